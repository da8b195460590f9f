"""What a broken manifest says: both sides of a merge count, and lines that frostline does not write are refused."""

from __future__ import annotations

import codecs
from hashlib import sha256
from pathlib import Path

import pytest

from frostline.errors import UsageError
from frostline.publish.manifest import FileLine, Manifest, manifest_chunks
from frostline.publish.salvage import is_made_by_git, salvage_manifest
from frostline.published import ManifestEntry

WROTE, ELSE = (sha256(content).hexdigest() for content in (b"a\nb\n", b"c\n"))


def line(path: str = "a.yaml", digest: str = WROTE) -> FileLine:
    return FileLine(path=path, sha256=digest, mode=0o644, output="o")


def entry(service: str, endpoints: int = 1, digest: str = "0") -> ManifestEntry:
    return ManifestEntry(service=service, version="v1", digest="sha256:" + digest * 64, endpoints=endpoints)


def written(*lines: FileLine | ManifestEntry) -> list[bytes]:
    """The manifest's lines, without their newlines; the header first."""
    files = tuple(line for line in lines if isinstance(line, FileLine))
    services = tuple(line for line in lines if isinstance(line, ManifestEntry))
    return b"".join(manifest_chunks(Manifest(files, services))).split(b"\n")[:-1]


def claimed(tmp_path: Path, data: bytes) -> tuple[Manifest | None, bool]:
    path = tmp_path / "frostline.manifest"
    path.write_bytes(data)
    salvaged = salvage_manifest(path)
    assert salvaged.fault
    return salvaged.manifest, salvaged.is_whole


def lines_of(*lines: bytes) -> bytes:
    return b"".join(line + b"\n" for line in lines)


HEADER, OURS, SHOP = written(line(), entry("shop"))
THEIRS = written(line(digest=ELSE))[1]
WHOLE = lines_of(HEADER, OURS, SHOP)


def test_a_manifest_that_is_whole_or_missing_has_no_fault(tmp_path: Path) -> None:
    assert salvage_manifest(tmp_path / "frostline.manifest").manifest is None
    (tmp_path / "frostline.manifest").write_bytes(WHOLE)
    salvaged = salvage_manifest(tmp_path / "frostline.manifest")
    assert (salvaged.manifest, salvaged.fault, salvaged.is_whole) == (Manifest((line(),), (entry("shop"),)), None, True)


@pytest.mark.parametrize("base", [(), (b"||||||| 123abc", b"base that is no line")])
def test_both_sides_of_a_merge_count(tmp_path: Path, base: tuple[bytes, ...]) -> None:
    more = written(entry("shop", 3, "1"))[1]
    mail = written(entry("mail"))[1]
    data = lines_of(
        *(HEADER, b"<<<<<<< HEAD", OURS, SHOP, *base, b"=======", THEIRS, mail, more, b">>>>>>> topic"),
        written(entry("web"))[1],
    )
    manifest, is_whole = claimed(tmp_path, data)
    assert is_whole
    assert manifest is not None
    (file,) = manifest.files
    assert (file.wrote(WROTE), file.wrote(ELSE), file.wrote("0" * 64)) == (True, True, False)
    assert [(entry.service, entry.endpoints) for entry in manifest.services] == [("mail", 1), ("shop", 3), ("web", 1)]


@pytest.mark.parametrize(
    "data",
    [
        WHOLE.replace(b"\n", b"\r\n"),
        codecs.BOM_UTF8 + WHOLE,
        WHOLE.decode().encode("utf-16"),
        WHOLE + b"\n",
        lines_of(HEADER, OURS, OURS, SHOP, SHOP),
    ],
)
def test_a_manifest_that_is_only_spelt_in_another_way_is_whole(tmp_path: Path, data: bytes) -> None:
    assert claimed(tmp_path, data) == (Manifest((line(),), (entry("shop"),)), True)


@pytest.mark.parametrize(
    ("data", "files"),
    [
        (b"", 0),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", 0),
        (lines_of(OURS, SHOP), 1),
        (WHOLE[:-9], 1),
        (lines_of(HEADER, OURS, SHOP[:-1]), 1),
        (lines_of(HEADER, b"[" * 50_000, OURS), 1),
        (b"\xff\xfe\x00", 0),
    ],
)
def test_a_manifest_that_may_lack_a_line_is_not_whole(tmp_path: Path, data: bytes, files: int) -> None:
    manifest, is_whole = claimed(tmp_path, data)
    assert not is_whole
    assert manifest is not None
    assert len(manifest.files) == files


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", ".git/config", "a/../../b"])
def test_a_conflict_hides_no_path_that_leaves_the_root(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match="the path"):
        claimed(
            tmp_path, lines_of(HEADER, b"<<<<<<< a", OURS.replace(b"a.yaml", path.encode()), b"=======", b">>>>>>> b")
        )


@pytest.mark.parametrize(
    ("data", "others", "is_made"),
    [
        (b"a\r\nb\r\n", (), True),
        (b"<<<<<<< HEAD\na\n=======\nb\n>>>>>>> topic\n", (), True),
        (b"a\nb\nc\n", (ELSE,), True),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + WROTE.encode() + b"\nsize 4\n", (), True),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + ELSE.encode() + b"\nsize 4\n", (), False),
        (b"a\nb\nc\n", (), False),
        (b"a\r\nb\r\nc\r\n", (), False),
        (b"=======\n", (), False),
    ],
)
def test_a_file_that_git_changed_counts_as_not_edited(data: bytes, others: tuple[str, ...], is_made: bool) -> None:
    file = FileLine(path="a", sha256=WROTE, mode=0o644, output="o", others=others)
    assert is_made_by_git(data, file) == is_made
