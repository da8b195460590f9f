"""A lock that does not parse is diagnosed in one line, with the command that mends it."""

from __future__ import annotations

import codecs

import pytest

from frostline.lock.codec import lock_chunks, lock_of
from frostline.lock.faults import FREEZE_AGAIN, Fault, find_fault, is_foreign
from frostline.model import Instance, Snapshot


def lock(*names: str, datacenter: str = "dc1") -> bytes:
    found = tuple(Instance(service=name, node="n", id=name, address="10.0.0.1", port=80) for name in sorted(names))
    segment = Snapshot(source="mesh", datacenter=datacenter, namespace="default", settings="x", instances=found)
    return b"".join(lock_chunks(lock_of([segment]).snapshots))


GOOD = lock("a", "b")
HEAD, SEGMENT, A, B, _ = GOOD.split(b"\n")
CRLF_HELP = f"prevent that with the line `frostline.lock -text` in .gitattributes, then {FREEZE_AGAIN}"
COMPILE = (
    "run `frostline compile`, which writes lock, manifest and outputs anew from the sources "
    "(`frostline freeze`: the lock alone)"
)


def test_a_valid_lock_has_no_fault() -> None:
    assert find_fault(GOOD, "frostline.lock") is None


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", Fault(1, "the lock is empty")),
        (
            GOOD.replace(b"\n", b"\r\n"),
            Fault(1, "the lines end in CRLF: git or an editor has converted them", CRLF_HELP),
        ),
        (
            codecs.BOM_UTF8 + GOOD,
            Fault(1, "the lock begins with a byte order mark (BOM): an editor has rewritten it"),
        ),
        *(
            (
                GOOD.decode().encode(encoding),
                Fault(1, "the lock is UTF-16, not UTF-8: an editor or a shell has rewritten it"),
            )
            for encoding in ("utf-16", "utf-16-le", "utf-16-be")
        ),
        (GOOD + b"\n", Fault(5, "this line is blank: a lock has no such line")),
        (b"\n" + GOOD, Fault(1, "this line is blank: a lock has no such line")),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            Fault(
                1,
                "this is a pointer of Git LFS in place of the lock",
                f"run `git lfs pull` to get the lock, or {FREEZE_AGAIN}",
            ),
        ),
        (
            GOOD.replace(A, b"<<<<<<< HEAD\n" + A + b"\n=======\n>>>>>>> other"),
            Fault(3, "the lock has merge conflicts", COMPILE),
        ),
        (
            GOOD + A + b"\n",
            Fault(2, "the segment announces 2 lines, 3 follow: did git merge two branches?", COMPILE),
        ),
        (
            lock("a").replace(A + b"\n", b"") + lock("c", datacenter="dc2").split(b"\n", 1)[1],
            Fault(2, "the segment announces 1 line, 0 follow: did git merge two branches?", COMPILE),
        ),
        (
            GOOD.replace(B + b"\n", b""),
            Fault(
                2,
                "the segment announces 2 lines, 1 follows: the file was cut short, or did git merge two branches?",
            ),
        ),
        (GOOD[:-1], None),
        (GOOD.replace(b"80", b"x", 1), None),
        (GOOD.replace(A, A[:-1]) + A + b"\n", None),
        (b"hello\n", None),
    ],
)
def test_a_damaged_lock_has_a_fault_that_says_what_happened(data: bytes, fault: Fault | None) -> None:
    assert find_fault(data, "sub/frostline.lock") == fault


@pytest.mark.parametrize("data", [b"name: shop\n", b"{}\n", b"[[package]]\n", "shop\n".encode("utf-16")])
def test_a_file_that_never_was_a_lock_is_foreign(data: bytes) -> None:
    assert is_foreign(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        GOOD[20:],
        GOOD.decode().encode("utf-16"),
        GOOD.replace(b"lock/1", b"lock/9"),
        b"version https://git-lfs.github.com/spec/v1\n",
    ],
)
def test_the_rest_of_a_lock_is_not_foreign(data: bytes) -> None:
    assert not is_foreign(data)
