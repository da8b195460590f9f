"""Hostile bytes for all that is parsed: an error of ours or a value, nothing else, and never a write.

FROSTLINE_FUZZ_SECONDS: how long each target is tried (`make fuzz`); without it a few hundred texts. What is found is
written to tests/data/fuzz/TARGET, is tried in each run from then on, and is to be committed.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from targets import TARGETS, TESTS, problem

from frostline.errors import FrostlineError

CORPUS = TESTS / "data" / "fuzz"
SECONDS = float(os.environ.get("FROSTLINE_FUZZ_SECONDS", "0"))
EXAMPLES = 40
PIECES = (
    *(b"\x00 \xff \xed\xa0\x80 \xe2\x80\xae \xe3\x85\xa4 \xef\xbb\xbf \\ud800 \\u0000 \\udc00\\ud800".split(b" ")),
    *b'{ } [ ] " , : \\ \n \r\n \t # ${ %{ <<EOF <<~E /* */ // null true'.split(b" "),
    *b"-0 1e999 0x1 NaN 1_0 !!binary & * - |".split(b" "),
    *(b"{}", b"[]", b'""', b'"a":1,"a":2', b"18446744073709551616", b"-9223372036854775809", b"9" * 5000),
    *(b"[" * 3000, b'{"a":' * 3000, b"(" * 3000, b"!" * 3000, b"- " * 2000, b"*a ", b"&a ", b"<<: ", b"../../x"),
    *(b"Transfer-Encoding: chunked\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n"),
)
_WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
_FORBIDDEN = {*_WRITES, "subprocess.Popen", "os.system", "os.exec", "socket.connect", "socket.getaddrinfo"}
_watched: list[str] = []
_watching = False


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _watching:
        return
    if event in _FORBIDDEN:
        _watched.append(event)
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        _watched.append(f"open {arguments[0]!r}")


sys.addaudithook(_hook)


@contextmanager
def writing_nothing() -> Iterator[None]:
    """The block writes, starts and asks nothing."""
    global _watching
    _watched.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    assert not _watched


@st.composite
def texts(draw: st.DrawFn, name: str) -> bytes:
    """A text of this kind that was changed in some places, or any bytes."""
    text = draw(st.sampled_from(TARGETS[name].seeds))
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.sampled_from([0, 0, 1, 2, 8, 60])))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4), st.just(text[at : at + 40] * 2)))
        text = text[:at] + piece + text[end:]
    return text


def check(name: str, text: bytes, folder: Path) -> None:
    target = TARGETS[name]
    (folder / target.file).write_bytes(target.sealed(text, folder))
    try:
        with writing_nothing():
            assert problem(name, text, folder) is None
    except BaseException:
        if SECONDS:
            kept = CORPUS / name / hashlib.sha256(text).hexdigest()[:16]
            kept.parent.mkdir(parents=True, exist_ok=True)
            for earlier in found_now.get(name, []):  # Hypothesis tries ever shorter texts: the last one stays
                earlier.unlink(missing_ok=True)
            kept.write_bytes(text)
            found_now[name] = [kept]
        raise


found_now: dict[str, list[Path]] = {}


@pytest.mark.parametrize("name", TARGETS)
def test_every_text_is_read_or_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    health = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]

    def rounds(number: int) -> None:
        @seed(number)
        @settings(max_examples=EXAMPLES * (20 if SECONDS else 1), suppress_health_check=health, database=None)
        @given(texts(name))
        def tried(text: bytes) -> None:
            check(name, text, tmp_path)

        tried()

    end = time.monotonic() + SECONDS
    number = 0
    while number == 0 or time.monotonic() < end:
        rounds(number if not SECONDS else int(time.time()) + number)
        number += 1


@pytest.mark.parametrize("name", TARGETS)
def test_a_text_of_each_kind_is_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read = 0
    for text in TARGETS[name].seeds:
        check(name, text, tmp_path)
        with suppress(FrostlineError):
            TARGETS[name].parse(text, tmp_path)
            read += 1
    assert read


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_stays_mended(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check(path.parent.name, path.read_bytes(), tmp_path)
