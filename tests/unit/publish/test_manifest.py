"""The manifest: written canonically, read as hostile."""

import json
import os
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.errors import PublishError, UsageError
from frostline.files.targets import path_fault
from frostline.publish.manifest import (
    FileLine,
    Manifest,
    ManifestEntry,
    manifest_chunks,
    parse_manifest,
    read_manifest,
    sorted_manifest,
)
from frostline.resources import schema_text

DIGEST = "ab" * 32
HEADER = '{"format":"frostline.manifest/1"}\n'
FILE = FileLine(path="app/registry.py", sha256=DIGEST, mode=0o644, output="python")
SERVICE = ManifestEntry(service="payments", version="v1", digest=f"sha256:{DIGEST}", endpoints=2)

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
texts = st.text(st.characters(exclude_categories=["Cs"]))
paths = st.lists(texts, min_size=1, max_size=4).map("/".join).filter(lambda path: path_fault(path) is None)
files = st.builds(FileLine, path=paths, sha256=digests, mode=st.sampled_from([0o644, 0o755]), output=texts)
services = st.builds(
    ManifestEntry,
    service=texts,
    version=st.none() | texts,
    digest=digests.map("sha256:{}".format),
    endpoints=st.integers(0, 2**40),
)
manifests = st.builds(
    Manifest,
    st.lists(files, unique_by=lambda line: line.path, max_size=5).map(tuple),
    st.lists(services, unique_by=lambda line: (line.service, line.version), max_size=5).map(tuple),
)


def written(manifest: Manifest) -> bytes:
    return b"".join(manifest_chunks(manifest))


def file_line(**changes: object) -> str:
    return json.dumps(
        {"path": "a", "sha256": DIGEST, "mode": "0644", "output": "o"} | changes,
        separators=(",", ":"),
        ensure_ascii=False,
    )


def service_line(**changes: object) -> str:
    line = {"service": "s", "version": None, "digest": f"sha256:{DIGEST}", "endpoints": 1} | changes
    return json.dumps(line, separators=(",", ":"))


@settings(max_examples=80, deadline=None)
@given(manifests)
def test_a_manifest_reads_back_as_it_was_written(manifest: Manifest) -> None:
    assert parse_manifest(written(manifest), "m") == sorted_manifest(manifest)


@settings(max_examples=50, deadline=None)
@given(manifests)
def test_each_line_fits_the_schema_and_shows_all_that_it_holds(manifest: Manifest) -> None:
    schema = jsonschema.Draft202012Validator(json.loads(schema_text("manifest")))
    for line in written(manifest).decode().split("\n")[:-1]:
        schema.validate(json.loads(line))
        assert not {"\u202e", "\u200b", "\x7f", "\x9b", "\u2028", "\ufeff", "\r"} & set(line)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200), manifests, st.integers(0, 10_000))
def test_damaged_bytes_are_a_usage_error_or_a_manifest_but_nothing_else(
    noise: bytes, manifest: Manifest, at: int
) -> None:
    data = written(manifest)
    at %= len(data)
    with suppress(UsageError):
        parse_manifest(data[:at] + noise + data[at + len(noise) :], "m")


def test_a_manifest_is_written_as_these_bytes() -> None:
    unversioned = ManifestEntry(service="payments", version=None, digest=f"sha256:{DIGEST}", endpoints=0)
    assert written(Manifest((FILE,), (SERVICE, unversioned))).decode() == (
        HEADER
        + f'{{"path":"app/registry.py","sha256":"{DIGEST}","mode":"0644","output":"python"}}\n'
        + f'{{"service":"payments","version":null,"digest":"sha256:{DIGEST}","endpoints":0}}\n'
        + f'{{"service":"payments","version":"v1","digest":"sha256:{DIGEST}","endpoints":2}}\n'
    )


def test_invisible_and_bidirectional_characters_are_escaped() -> None:
    service = ManifestEntry(service="a\u202eb\U000e0041", version="\x7f", digest=f"sha256:{DIGEST}", endpoints=1)
    text = written(Manifest((), (service,))).decode()
    assert '"a\\u202eb\\udb40\\udc41"' in text
    assert '"\\u007f"' in text


def test_a_missing_file_reads_as_no_manifest(tmp_path: Path) -> None:
    assert read_manifest(tmp_path / "frostline.manifest") is None
    assert read_manifest(tmp_path / "missing" / "frostline.manifest") is None


def test_a_message_shows_the_path_as_users_would_type_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "frostline.manifest").write_text("no manifest\n")
    with pytest.raises(UsageError) as caught:
        read_manifest(tmp_path / "frostline.manifest")
    assert str(caught.value.origin) == "frostline.manifest:1:1"


def test_a_manifest_that_cannot_be_looked_for_is_a_publish_error(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="File name too long"):
        read_manifest(tmp_path / ("x" * 300) / "frostline.manifest")


def test_a_manifest_that_is_a_link_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "frostline.manifest"
    path.symlink_to("/dev/zero")
    with pytest.raises(PublishError, match="symbolic link"):
        read_manifest(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(PublishError, match="not a regular file"):
        read_manifest(path)


def test_conflict_markers_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "frostline.manifest"
    path.write_text(f"{HEADER}{file_line()}\n<<<<<<< ours\n{service_line()}\n=======\n>>>>>>> theirs\n")
    with pytest.raises(UsageError) as caught:
        read_manifest(path)
    assert caught.value.message == "the manifest has merge conflicts"
    assert str(caught.value.origin) == f"{path}:3:1"
    assert caught.value.help == "run `frostline compile`, which writes it anew"


def test_converted_line_ends_are_reported_with_the_line_for_gitattributes() -> None:
    with pytest.raises(UsageError, match="the lines end in CRLF") as caught:
        parse_manifest(f"{HEADER}{service_line()}\n".replace("\n", "\r\n").encode(), "sub/frostline.manifest")
    assert "the line `frostline.manifest -text` in .gitattributes" in (caught.value.help or "")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "the manifest is empty"),
        ('{"format":"frostline.manifest/2"}\n', 1, "not a manifest that this frostline reads"),
        (HEADER + file_line(), 2, "cut short"),
        (HEADER[:-1], 1, "cut short"),
        (HEADER + file_line()[:-9] + "\n", 2, "not a line of a manifest"),
        (HEADER + "\n", 2, "not a line of a manifest: it is blank"),
        ("\ufeff" + HEADER, 1, "the manifest is not plain UTF-8: an editor has rewritten it"),
        (HEADER + "[]\n", 2, "not a line of a manifest"),
        (HEADER + "[" * 100_000 + "\n", 2, "not a line of a manifest"),
        (HEADER + '{"path":' + "[" * 100_000 + "\n", 2, "not a line of a manifest"),
        (HEADER + '{"service":{"a":' + "[" * 100_000 + "\n", 2, "not a line of a manifest"),
        (HEADER + file_line(more=1) + "\n", 2, "`more`"),
        (HEADER + file_line(sha256=1) + "\n", 2, "`sha256` must be "),
        (HEADER + file_line(sha256=DIGEST.upper()) + "\n", 2, "`sha256` does not have the form"),
        (HEADER + file_line(sha256=DIGEST + "\n") + "\n", 2, "`sha256` does not have the form"),
        (HEADER + file_line(mode="4755") + "\n", 2, "`mode` does not have the form"),
        (HEADER + file_line(mode=420) + "\n", 2, "`mode` must be "),
        (HEADER + service_line(endpoints=-1) + "\n", 2, "`endpoints` must be "),
        (HEADER + service_line(endpoints="1") + "\n", 2, "`endpoints` must be "),
        (HEADER + service_line(endpoints=True) + "\n", 2, "`endpoints` must be "),
        (HEADER + service_line(digest="x") + "\n", 2, "`digest` does not have the form"),
        (HEADER + file_line() + "\n" + file_line() + "\n", 3, "twice"),
        (HEADER + service_line() + "\n" + service_line(endpoints=2) + "\n", 3, "twice"),
        (HEADER + file_line().replace('"path"', '"path":"x","path"') + "\n", 2, "not written as frostline writes it"),
        (HEADER + file_line() + " \n", 2, "not written as frostline writes it"),
        (HEADER + file_line(path="a\u202e") + "\n", 2, "not written as frostline writes it"),
        (HEADER + file_line(path="\ud800").replace("\ud800", "\\ud800") + "\n", 2, "not a line of a manifest"),
    ],
)
def test_a_bad_line_is_named_with_the_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_manifest(text.encode(), "frostline.manifest")
    assert reason in caught.value.message
    assert str(caught.value.origin) == f"frostline.manifest:{line}:1"
    assert "`frostline compile`" in (caught.value.help or "")
    assert ("restore it" in (caught.value.help or "")) == ("not written as" in reason)


@pytest.mark.parametrize(("path", "fault"), [("/etc/passwd", "is absolute"), ("a/../../b", "leaves the root folder")])
def test_a_path_that_no_published_file_can_have_is_refused(path: str, fault: str) -> None:
    line = json.dumps({"path": path, "sha256": DIGEST, "mode": "0644", "output": "o"}, separators=(",", ":"))
    with pytest.raises(UsageError, match=fault):
        parse_manifest(f"{HEADER}{line}\n".encode(), "m")


def test_lines_in_another_order_are_the_same_manifest() -> None:
    text = HEADER + service_line() + "\n" + file_line(path="b") + "\n" + file_line() + "\n"
    assert [line.path for line in parse_manifest(text.encode(), "m").files] == ["a", "b"]
