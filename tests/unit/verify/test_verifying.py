"""What a verifier sees of an output, and what is said of one that does not take it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from frostline.errors import FrostlineError, PublishError
from frostline.model import FileOrigin, Finding
from frostline.reporters.base import report_of
from frostline.reporters.text import lines
from frostline.settings import Verifier
from frostline.verify.verifying import CopiedFile, Subject, verify

PLACE = FileOrigin("frostline.yaml", 9, 76)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root folder, which is the current one; a folder `bin` is in $PATH."""
    folder = tmp_path / "root"
    (folder / "bin").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
    return folder


@pytest.fixture
def script(root: Path) -> Callable[[str, str], None]:
    """`script(name, text)`: a program of this name in $PATH, of sh."""

    def write(name: str, text: str) -> None:
        path = root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    return write


@pytest.fixture
def verified(root: Path) -> Callable[..., Finding | None]:
    """`verified(*words, files={"nginx/router.conf": b"new"})`: what the verifier says of these files."""

    def judge(
        *words: str, timeout: float = 20.0, files: Mapping[str, Iterable[bytes]] | None = None, **more: Any
    ) -> Finding | None:
        files = files if files is not None else {"router.conf": [b"ne", b"w"]}
        copies = [CopiedFile(path=PurePosixPath(name), chunks=chunks, sha256=None) for name, chunks in files.items()]
        values: dict[str, Any] = {"base": root / "nginx", "path": PurePosixPath("router.conf"), **more}
        subject = Subject(output="nginx/router.conf", files=copies, **values)
        verifier = Verifier(words=words, origin=PLACE, timeout=timeout)
        return verify(verifier, subject, root, root, {"PATH": os.environ["PATH"]})

    return judge


def said(finding: Finding | None) -> str:
    assert finding is not None
    assert (finding.rule, finding.severity, finding.origin) == ("verify", "error", PLACE)
    return finding.message


def test_a_refusal_reads_as_recorded(script: Any, verified: Any, matches_golden: Any) -> None:
    script(
        "nginx",
        """
echo "nginx: [emerg] unexpected \\"}\\" in $3:3" >&2
echo "nginx: configuration file $3 test failed" >&2
exit 1""",
    )
    script("slow", "echo reading; exec sleep 60")
    script("dies", "kill -SEGV $$")
    script("odd", "printf 'red \\033[31mred\\033[0m \\033]0;title\\a::error::x\\nrtl \\342\\200\\256\\n'; exit 2")
    matches_golden(
        "verify",
        [
            verified("nginx", "-t", "-c", "{path}"),
            verified("slow", "{path}", timeout=0.3),
            verified("dies"),
            verified("odd"),
            verified("no-such-checker"),
            verified("bin"),
            verified("./check"),
        ],
    )


def test_a_verifier_that_takes_the_output_says_nothing(verified: Any) -> None:
    assert verified("sh", "-c", "echo garbage; exit 0") is None


def test_it_sees_the_new_bytes_under_their_own_name_and_the_root(verified: Any, root: Path) -> None:
    message = said(verified("sh", "-c", 'cat "$1"; basename "$1"; echo "$2"; pwd; exit 1', "sh", "{path}", "at={root}"))
    assert message.endswith(f"said: newrouter.conf | at={root} | {root}")


def test_it_sees_a_folder_with_all_of_its_files(verified: Any, root: Path) -> None:
    files = {"data/common.yaml": [b"a"], "data/dc/fra.yaml": [b"b"]}
    words = ("sh", "-c", 'cd "$1"; find . | sort | tr "\\n" " "; exit 1', "sh", "{path}")
    message = said(verified(*words, files=files, base=root / "puppet", path=PurePosixPath("data"), is_folder=True))
    assert message.endswith("said: . ./common.yaml ./dc ./dc/fra.yaml")
    message = said(verified(*words, files={}, base=root / "puppet", path=PurePosixPath("data"), is_folder=True))
    assert message.endswith("said: .")


def test_other_braces_and_variables_are_the_programs_own(verified: Any) -> None:
    words = ("printf", "%s,", "${path}", "{}", "{1}", "{ path }", "{path", "{{root}}")
    shown = said(verified("sh", "-c", '"$@"; exit 1', "sh", *words)).partition("said: ")[2]
    assert shown.startswith("${path},{},{1},{ path },{path,{/")
    assert shown.endswith("/root},")


def test_the_copy_is_for_this_user_alone_and_executable_where_the_file_is(root: Path) -> None:
    subject = Subject(
        output="o",
        base=root,
        path=PurePosixPath("plain"),
        files=[
            CopiedFile(path=PurePosixPath("plain"), chunks=[b""], sha256=sha256(b"").hexdigest()),
            CopiedFile(path=PurePosixPath("run"), chunks=[b"#!/bin/sh\nexit 9\n"], sha256=None, is_executable=True),
        ],
    )
    words = ("sh", "-c", 'cd "$(dirname "$1")"; stat -c %a . *; ./run; exit $?', "sh", "{path}")
    verifier = Verifier(words=words, origin=PLACE)
    found = verify(verifier, subject, root, root, {"PATH": os.environ["PATH"]})
    assert "status 9 and said: 700 | 600 | 700" in said(found)


@pytest.mark.parametrize(
    ("base", "shown"),
    [(".", "router.conf"), ("nginx", "nginx/router.conf"), ("..", "{parent}/router.conf")],
)
def test_paths_of_the_copy_are_shown_as_those_of_the_output(verified: Any, root: Path, base: str, shown: str) -> None:
    text = 'echo "$1:3 $1.bak $(dirname "$1") in=$(basename $(dirname "$1"))"; exit 1'
    folder = Path(os.path.normpath(root / base))
    message = said(verified("sh", "-c", text, "sh", "{path}", base=folder))
    name = shown.format(parent=root.parent)
    above = {".": ".", "nginx": "nginx", "..": str(root.parent)}[base]
    assert message.partition("said: ")[2] == f"{name}:3 {name}.bak {above} in={folder.name}"
    assert "frostline-verify" not in message


def test_what_is_long_is_cut_in_the_middle(verified: Any) -> None:
    many = said(verified("sh", "-c", "seq 1 100; echo; echo '  end  '; exit 1"))
    assert many.endswith("said: 1 | 2 | 3 | … | 97 | 98 | 99 | 100 | end")
    one = said(verified("sh", "-c", "printf start; head -c 100000 /dev/zero | tr '\\0' x; echo end; exit 1"))
    assert "said: startxxx" in one
    assert one.endswith("xxxend")
    assert len(one) < 1000


def test_a_silent_one_is_said_to_be_silent(verified: Any) -> None:
    assert said(verified("false")).endswith("`false`, which ended with status 1 and said nothing")


@pytest.mark.parametrize(
    ("make", "word", "reason", "way"),
    [
        (None, "nothing-here", "was not found in $PATH", "install it"),
        (None, "./bin/nothing", "was not found", "correct its path"),
        ("exit 0\n", "./bin/it", "cannot be started: Exec format error", "begin the script with a line such as"),
        ("#!/no/sh\n", "./bin/it", "its first line names a program that does not exist", "correct its first line"),
        ("#!/no/sh\n", "it", "its first line names a program that does not exist", "correct its first line"),
        ("#!/no/sh\n", "{root}/bin/it", "its first line names a program that does not exist", "correct its first line"),
        ("plain", "./bin/it", "cannot be started: Permission denied", "chmod +x"),
    ],
)
def test_one_that_cannot_be_started_is_said_with_the_reason(
    verified: Any, root: Path, make: str | None, word: str, reason: str, way: str
) -> None:
    if make:
        (root / "bin" / "it").write_text(make)
        (root / "bin" / "it").chmod(0o644 if make == "plain" else 0o755)
    finding = verified(word)
    assert f"`{word}` " in said(finding)
    assert reason in said(finding)
    assert way in str(finding.help)
    assert "--allow unverified=nginx/router.conf" in str(finding.help)


def test_a_name_is_quoted_for_the_shell_in_the_help(root: Path) -> None:
    subject = Subject(output="a b;c", base=root, path=PurePosixPath("x"), files=[])
    found = verify(Verifier(words=("false",), origin=PLACE), subject, root, root, dict(os.environ))
    assert "--allow 'unverified=a b;c'" in str(found and found.help)


def test_a_copy_that_cannot_be_written_is_an_error_of_publishing(verified: Any) -> None:
    def full() -> Iterator[bytes]:
        yield b"a"
        raise OSError(errno.ENOSPC, "")

    with pytest.raises(
        PublishError,
        match="the copy of the output `nginx/router.conf` for its verifier cannot be written: No space left",
    ) as error:
        verified("true", files={"router.conf": full()})
    assert "TMPDIR" in str(error.value.help)


def test_bytes_that_are_not_those_that_were_hashed_are_a_bug(root: Path) -> None:
    copied = CopiedFile(path=PurePosixPath("x"), chunks=[b"other"], sha256="0" * 64)
    subject = Subject(output="o", base=root, path=PurePosixPath("x"), files=[copied])
    with pytest.raises(FrostlineError, match="rendered twice"):
        verify(Verifier(words=("true",), origin=PLACE), subject, root, root, dict(os.environ))


def test_control_characters_never_reach_a_report_and_colors_are_dropped(verified: Any) -> None:
    text = "printf '\\033[1;31mred\\033[0m\\033[2J\\a\\177\\0ok\\r\\n::error::mine\\n##vso[task]\\n'; exit 1"
    finding = verified("sh", "-c", text)
    (line, *_) = lines(report_of([finding]))
    assert line.endswith(r"said: red\x1b[2J\x07\x7f\x00ok | ::error::mine | #\#vso[task]")
