"""A committed lock that is broken: what is said of it, and the command that is named mends it."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from consul_agent import ConsulAgent
from project import Project, Run, consul_config

pytestmark = pytest.mark.oldest_consul("what is in the lock is the same of every version")


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def town(project: Project, empty_consul: ConsulAgent) -> Project:
    """Twelve services, published."""
    for number in range(12):
        empty_consul.catalog_register("n1", f"svc{number:02}", address="10.0.0.1", port=8000 + number)
    project.configure(consul_config(empty_consul.address)).done("compile")
    return project


def line_too_many(data: bytes) -> bytes:
    """As git merges two branches that each add an instance: their first lines are the same."""
    head, first, second, *rest = data.split(b"\n")
    return b"\n".join([head, first, second, second.replace(b"svc00", b"svc00a"), *rest])


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n"

BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a line too many": (
        line_too_many,
        ":2:1: error: the segment announces 12 lines, 13 follow: did git merge two branches?",
    ),
    "empty": (lambda data: b"", ":1:1: error: the lock is empty"),
    "cut": (lambda data: data[:-20], ": error: the last line is cut short"),
    "cut between lines": (
        lambda data: data[: data[:-1].rindex(b"\n") + 1],
        ":2:1: error: the segment announces 12 lines, 11 follow: the file was cut short",
    ),
    "CRLF": (lambda data: data.replace(b"\n", b"\r\n"), ":1:1: error: the lines end in CRLF"),
    "BOM": (lambda data: codecs.BOM_UTF8 + data, ":1:1: error: the lock begins with a byte order mark (BOM)"),
    "a blank last line": (lambda data: data + b"\n", ":15:1: error: this line is blank"),
    "Git LFS": (lambda data: POINTER, ":1:1: error: this is a pointer of Git LFS"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), ":1:1: error: the lock is UTF-16"),
    "unsorted": (
        lambda data: b"\n".join([*(lines := data.split(b"\n"))[:2], lines[3], lines[2], *lines[4:]]),
        ":4:1: error: this line is duplicated or out of order: did git merge two branches?",
    ),
    "a conflict": (
        lambda data: data.replace(b'{"service":"svc03"', b'<<<<<<< HEAD\n=======\n>>>>>>> x\n{"service":"svc03"'),
        ":6:1: error: the lock has merge conflicts",
    ),
    "of another format": (
        lambda data: data.replace(b"lock/1", b"lock/9"),
        ":1:1: error: the lock has the format",
    ),
    "a garbled line": (lambda data: data.replace(b'"svc04"', b'"svc04'), ":7:1: error: this is not a line of a lock"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_lock_is_mended_by_the_command_that_its_message_names(town: Project, kind: str) -> None:
    spoil, said = BROKEN[kind]
    whole = town.read("frostline.lock")
    lock = town.folder / "frostline.lock"
    lock.write_bytes(spoil(whole))
    message = town.refused(2, "check").stderr
    assert f"frostline.lock{said}" in re.sub(r":[0-9]+:1: error: the last", ": error: the last", message)
    named = re.findall(r"`frostline ([a-z]+)`", message)
    assert named
    for command in dict.fromkeys([*named, "freeze", "compile"]):
        lock.write_bytes(spoil(whole))
        warning = re.escape(said.partition(" error: ")[2])
        mended = town.done(command).stderr
        assert re.match(f"warning: frostline.lock:[0-9]+:1: {warning}.*; it is written anew\n", mended)
        assert town.read("frostline.lock") == whole
    town.done("check")


def test_a_file_that_was_never_a_lock_is_not_overwritten(town: Project) -> None:
    lock = town.folder / "frostline.lock"
    lock.write_bytes(b"name: shop\n")
    for command in ("check", "freeze", "compile", "plan", "compile --offline"):
        message = town.refused(2, *command.split()).stderr
        assert message.startswith("frostline.lock:1:1: error: this file is not a lock and never was")
        assert lock.read_bytes() == b"name: shop\n"
    lock.unlink()
    town.done("compile")
    town.done("check")


def test_no_command_works_from_a_broken_lock_but_those_that_write_it_anew(town: Project) -> None:
    (town.folder / "frostline.lock").write_bytes(line_too_many(town.read("frostline.lock")))
    for command in ("compile --offline", "plan --offline", "compile --locked", "explain --offline x", "list", "graph"):
        assert "the segment announces 12 lines, 13 follow" in town.refused(2, *command.split()).stderr
    assert "; it is written anew" in town.refused(1, "plan").stderr
    assert town.refused(0, "explain", "svc01").stderr == ""
    assert town.refused(0, "sources").stderr == ""


def test_the_line_ends_of_a_lock_name_what_keeps_git_from_converting_them(town: Project) -> None:
    lock = town.folder / "frostline.lock"
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    assert "the line `frostline.lock -text` in .gitattributes" in town.refused(2, "check").stderr


def remove_services(consul: ConsulAgent) -> None:
    for number in range(2, 12):
        consul.catalog_deregister("n1", f"svc{number:02}")


def test_where_the_lock_is_broken_the_guards_go_by_the_manifest(town: Project, empty_consul: ConsulAgent) -> None:
    whole = town.read("frostline.lock")
    remove_services(empty_consul)
    for spoil, _ in BROKEN.values():
        (town.folder / "frostline.lock").write_bytes(spoil(whole))
        for command in ("compile", "freeze"):
            assert "error[guard-delete]: 10 of 12 services" in town.refused(4, command).stderr
    town.done("freeze", "--allow", "deletes")


def test_without_a_manifest_a_broken_lock_lets_nothing_vanish_unseen(town: Project, empty_consul: ConsulAgent) -> None:
    whole = town.read("frostline.lock")
    for name in ("frostline.manifest", "registry.py", "registry.pyi", "services.yaml"):
        (town.folder / name).unlink()
    remove_services(empty_consul)
    told = {"a line too many", "CRLF", "BOM", "a blank last line", "UTF-16", "unsorted", "a conflict"}
    for kind, (spoil, _) in BROKEN.items():
        (town.folder / "frostline.lock").write_bytes(spoil(whole))
        for command in ("compile", "freeze"):
            said = town.refused(4, command).stderr
            assert ("error[guard-delete]" if kind in told else "error[guard-unknown]") in said
            assert "--allow deletes" in said
        if kind not in told:
            town.refused(4, "compile", "--allow", "deletes=svc02")
    town.done("compile", "--allow", "deletes")


def test_a_lock_that_is_no_regular_file_is_neither_waited_for_nor_replaced(town: Project) -> None:
    (town.folder / "frostline.lock").unlink()
    os.mkfifo(town.folder / "frostline.lock")
    for command in ("compile", "freeze", "check"):
        assert "the lock cannot be read: it is not a regular file" in town.refused(2, command).stderr


def test_a_part_of_a_broken_lock_cannot_be_frozen_alone(town: Project) -> None:
    lock = town.folder / "frostline.lock"
    whole = lock.read_bytes()
    lock.write_bytes(whole + b"\n")
    assert "run `frostline freeze` to write it anew" in town.refused(2, "freeze", "--datacenter", "dc1").stderr
    town.done("freeze", "--datacenter", "dc1", "--out", "new.lock")
    assert town.read("new.lock") == whole
    assert lock.read_bytes() == whole + b"\n"
    lock.write_bytes(b"")
    town.done("freeze", "--datacenter", "dc1", "--out", "new.lock")
    town.done("compile", "--lock", "new.lock")
    assert lock.read_bytes() == whole


def test_a_broken_lock_among_those_to_merge_names_how_to_make_it_again(town: Project) -> None:
    (town.folder / "new.lock").write_bytes(b"")
    said = town.refused(2, "compile", "--lock", "new.lock").stderr
    assert said == (
        "new.lock:1:1: error: the lock is empty\n  help: freeze it again with `frostline freeze --out FILE`\n1 error\n"
    )


def test_a_broken_lock_to_compare_with_is_not_to_be_frozen_anew(town: Project) -> None:
    (town.folder / "old.lock").write_bytes(b"")
    said = town.refused(2, "diff", "old.lock", "frostline.lock").stderr
    assert said == "old.lock:1:1: error: the lock is empty\n  help: compare with a lock that is whole\n1 error\n"
    (town.folder / "frostline.lock").write_bytes(b"")
    assert "run `frostline freeze`" in town.refused(2, "diff", "frostline.lock", "HEAD").stderr


def test_a_plan_over_a_broken_lock_is_published_as_it_was_reviewed(town: Project) -> None:
    whole = town.read("frostline.lock")
    (town.folder / "frostline.lock").write_bytes(whole + b"\n")
    assert town.run("plan", "--out", "saved.json").returncode == 1
    town.done("compile", "--plan", "saved.json")
    assert town.read("frostline.lock") == whole


def test_a_broken_lock_in_a_revision_is_named_with_what_can_be_done(town: Project) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example", "-c", "commit.gpgsign=false"]
        subprocess.run(
            [shutil.which("git") or "git", *identity, *arguments], cwd=town.folder, check=True, capture_output=True
        )

    git("init", "-q")
    git("add", "--all")
    git("commit", "-qm", "whole")
    for content, said in (
        (POINTER, "git show HEAD:./frostline.lock | git lfs smudge >old.lock"),
        (b"", "name another revision"),
    ):
        (town.folder / "frostline.lock").write_bytes(content)
        git("commit", "-qam", "broken")
        message = town.refused(2, "diff", "HEAD", "HEAD").stderr
        assert said in message
        assert "frostline freeze" not in message
