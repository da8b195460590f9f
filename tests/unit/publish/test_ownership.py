"""What publishing would change, and what it must not change: it touches files that frostline owns only."""

import errno
import os
from pathlib import Path

import pytest

from frostline.errors import PublishError, RefusedError
from frostline.files.targets import digest_of_chunks
from frostline.publish.manifest import FileLine, Manifest, ManifestEntry
from frostline.publish.ownership import DesiredFile, FileChange, file_changes, next_manifest, refusals
from frostline.settings import Allow


def wanted(path: str, content: bytes = b"new", output: str = "o") -> DesiredFile:
    return DesiredFile(path=path, chunks=[content], output=output)


def line(path: str, content: bytes = b"old", output: str = "o", mode: int = 0o644) -> FileLine:
    return FileLine(path=path, sha256=digest_of_chunks([content]), mode=mode, output=output)


def changes(
    root: Path,
    files: list[DesiredFile],
    lines: list[FileLine] | None = None,
    allow: Allow | None = None,
    **scope: object,
) -> list[tuple[str, str, str | None]]:
    manifest = None if lines is None else Manifest(tuple(lines))
    found = file_changes(root, files, manifest, allow=allow or Allow(), **scope)  # type: ignore[arg-type]
    return [(change.path, change.action, change.refusal) for change in found]


def test_a_new_file_is_created(tmp_path: Path) -> None:
    assert changes(tmp_path, [wanted("deep/er/f"), wanted("a")]) == [
        ("a", "create", None),
        ("deep/er/f", "create", None),
    ]
    assert list(tmp_path.iterdir()) == []


def test_an_owned_file_is_updated_and_kept_once_it_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    assert changes(tmp_path, [wanted("f")], [line("f")]) == [("f", "update", None)]
    assert changes(tmp_path, [wanted("f", b"old")], [line("f")]) == [("f", "keep", None)]


def test_a_file_with_the_same_bytes_and_another_mode_is_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "f").chmod(0o600)
    assert changes(tmp_path, [wanted("f", b"old")], [line("f")]) == [("f", "keep", None)]


def test_an_edited_file_is_refused_until_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"edited")
    assert changes(tmp_path, [wanted("f")], [line("f")]) == [("f", "update", "edited")]
    assert changes(tmp_path, [wanted("f")], [line("f")], Allow(adopt=("*",))) == [("f", "update", "edited")]
    assert changes(tmp_path, [wanted("f")], [line("f")], Allow(edited=("*",))) == [("f", "update", None)]


def test_an_edit_to_exactly_the_wanted_bytes_is_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"new")
    assert changes(tmp_path, [wanted("f")], [line("f")]) == [("f", "keep", None)]


def test_a_file_that_is_not_ours_is_refused_until_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"theirs")
    for lines in (None, [], [line("other")]):
        assert changes(tmp_path, [wanted("f")], lines) == [("f", "update", "adopt")]
    assert changes(tmp_path, [wanted("f")], None, Allow(edited=("*",))) == [("f", "update", "adopt")]
    assert changes(tmp_path, [wanted("f")], None, Allow(adopt=("*",))) == [("f", "update", None)]


def test_after_a_lost_manifest_equal_files_are_adopted_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"new")
    assert changes(tmp_path, [wanted("f")]) == [("f", "adopt", None)]


def test_an_owned_file_that_is_no_longer_wanted_is_deleted_and_others_are_left(tmp_path: Path) -> None:
    for name in ("gone", "theirs"):
        (tmp_path / name).write_bytes(b"old")
    assert changes(tmp_path, [], [line("gone"), line("missing")]) == [("gone", "delete", None)]


def test_an_edited_file_is_not_deleted_until_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"edited")
    assert changes(tmp_path, [], [line("f")]) == [("f", "delete", "edited")]
    assert changes(tmp_path, [], [line("f")], Allow(edited=("*",))) == [("f", "delete", None)]


def test_a_file_that_was_deleted_by_hand_is_created_again(tmp_path: Path) -> None:
    assert changes(tmp_path, [wanted("f", b"old")], [line("f")]) == [("f", "create", None)]


def test_outputs_out_of_scope_keep_their_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"old")
    lines = [line("a", output="one"), line("b", output="two")]
    assert changes(tmp_path, [], lines, outputs=("one",)) == [("a", "delete", None)]


def test_a_file_that_moves_to_another_output_stays_owned(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    old = Manifest((line("f", output="one"),))
    found = file_changes(tmp_path, [wanted("f", output="two")], old, allow=Allow(), outputs=("two",))
    assert [(change.action, change.refusal) for change in found] == [("update", None)]
    assert next_manifest(old, found, (), outputs=("two",)).files == (line("f", b"new", output="two"),)


def test_each_refusal_says_which_file_and_what_allows_it(tmp_path: Path) -> None:
    for name in ("edited", "gone", "theirs"):
        (tmp_path / name).write_bytes(b"x")
    manifest = Manifest((line("edited"), line("gone")))
    found = file_changes(tmp_path, [wanted("edited"), wanted("theirs"), wanted("new")], manifest, allow=Allow())
    errors = refusals(found)
    assert all(isinstance(error, RefusedError) for error in errors)
    assert [(error.message, error.help.split("`")[-2]) for error in errors if error.help] == [
        ("`edited` was edited since frostline wrote it; it would be replaced", "--allow edited=edited"),
        ("`gone` was edited since frostline wrote it; it would be deleted", "--allow edited=gone"),
        ("`theirs` exists already, and frostline did not write it; it would be replaced", "--allow adopt=theirs"),
    ]


def test_the_next_manifest_lists_what_will_be_published(tmp_path: Path) -> None:
    (tmp_path / "gone").write_bytes(b"old")
    (tmp_path / "run.sh").write_bytes(b"new")
    (tmp_path / "run.sh").chmod(0o770)
    old = Manifest((line("gone"), line("kept", mode=0o755), line("other", output="elsewhere"), line("missing")))
    found = file_changes(tmp_path, [wanted("kept"), wanted("run.sh")], old, allow=Allow(), outputs=("o",))
    service = ManifestEntry(service="s", version=None, digest="d", endpoints=1)
    assert next_manifest(old, found, [service], outputs=("o",)) == Manifest(
        (line("kept", b"new", mode=0o755), line("other", output="elsewhere"), line("run.sh", b"new", mode=0o755)),
        (service,),
    )
    assert [file.path for file in next_manifest(old, found, []).files] == ["kept", "run.sh"]


def test_a_large_file_is_hashed_in_blocks(tmp_path: Path) -> None:
    content = os.urandom(3 * 1024 * 1024 + 1)
    (tmp_path / "f").write_bytes(content)
    pieces = [content[at : at + 100_000] for at in range(0, len(content), 100_000)]
    change = file_changes(tmp_path, [DesiredFile(path="f", chunks=pieces, output="o")], None, allow=Allow())[0]
    assert change == FileChange(
        path="f",
        output="o",
        action="adopt",
        sha256=digest_of_chunks([content]),
        old=digest_of_chunks([content]),
        mode=0o644,
    )


@pytest.mark.parametrize(
    "path", ["../f", "/f", "", "a/../b", ".git/config", "frostline.manifest", ".frostline.journal"]
)
def test_a_wanted_path_that_leaves_the_root_or_is_reserved_is_an_error(tmp_path: Path, path: str) -> None:
    with pytest.raises(PublishError, match="output `o` would write"):
        changes(tmp_path, [wanted(path)])


def test_two_outputs_in_one_file_or_below_it_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="written by two outputs, `one` and `two`"):
        changes(tmp_path, [wanted("f", output="one"), wanted("f", output="two")])
    with pytest.raises(PublishError, match="the file `a`, and output `two` files below it"):
        changes(tmp_path, [wanted("a/b/c", output="two"), wanted("a", output="one")])


def test_a_target_that_is_not_a_plain_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    reasons = {"link": "symbolic link", "dangling": "symbolic link", "folder": "a folder", "pipe": "not a regular file"}
    for name, reason in reasons.items():
        for files, lines in (([wanted(name)], None), ([], [line(name)])):
            with pytest.raises(PublishError, match=f"`{name}` is .*{reason}") as caught:
                changes(tmp_path, files, lines)
            assert caught.value.help


def test_no_link_on_the_way_to_a_target_is_followed(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    (root / "in").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "f").write_bytes(b"old")
    (root / "in" / "out").symlink_to(elsewhere)
    (root / "file").write_bytes(b"x")
    with pytest.raises(PublishError, match="the folder `in/out` is a symbolic link"):
        changes(root, [wanted("in/out/f")])
    with pytest.raises(PublishError, match="the folder `in/out` is a symbolic link"):
        changes(root, [], [line("in/out/f")])
    with pytest.raises(PublishError, match="`file` must be a folder"):
        changes(root, [wanted("file/f")])


def test_the_root_itself_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    assert changes(tmp_path / "link", [wanted("f")], [line("f")]) == [("f", "update", None)]


def test_a_missing_root_counts_as_empty(tmp_path: Path) -> None:
    found = changes(tmp_path / "missing", [wanted("b"), wanted("a")], [line("gone")])
    assert found == [("a", "create", None), ("b", "create", None)]


def test_a_root_that_is_not_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "dangling"):
        with pytest.raises(PublishError, match=f"/{name}` cannot be opened: N"):
            changes(tmp_path / name, [])


def test_an_unreadable_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"x")
    really_open = os.open

    def denied(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        # A fake, since root may read everything.
        if path == "f":
            raise PermissionError(errno.EACCES, "denied")
        return really_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(PublishError, match="`f` cannot be read: Permission denied"):
        changes(tmp_path, [wanted("f")])
