"""A verifier judges the new bytes of one output: its copy, its words, and what is wrong as a finding."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

from msgspec import Struct

from frostline.allow_words import allow_words
from frostline.errors import FrostlineError, PublishError
from frostline.model import Finding, Severity
from frostline.settings import Verifier
from frostline.text import display_path, pluralize, quote
from frostline.verify.rules import VERIFY
from frostline.verify.running import Outcome, new_folder_path, run, signal_name

_MOST_SAID = 600
"""Characters of what a verifier said that a finding quotes."""
_LINES_OF_THE_START, _LINES_OF_THE_END = 3, 5
_PLACEHOLDER = re.compile(r"(?<!\$)\{(path|root)\}")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_HELP_OF_SPACE = "free some space, or set the environment variable TMPDIR to a folder that has it, then rerun"


class CopiedFile(Struct, frozen=True, kw_only=True):
    """A file of the output. path: relative to `Subject.base`; chunks: its new bytes; sha256: of them, in hex,
    where it is known."""

    path: PurePosixPath
    chunks: Iterable[bytes]
    sha256: str | None
    is_executable: bool = False


class Subject(Struct, frozen=True, kw_only=True):
    """What a verifier judges. output: its name. base: the folder that the private one stands for, absolute.

    path: what `{path}` is, relative to base. is_folder: whether that is a folder.
    """

    output: str
    base: Path
    path: PurePosixPath
    files: Sequence[CopiedFile]
    is_folder: bool = False


def verify(
    verifier: Verifier, subject: Subject, root: Path, current: Path, environment: Mapping[str, str]
) -> Finding | None:
    """What is wrong with the subject by its verifier; None where that takes it.

    current: the folder in which it starts. PublishError: the copy cannot be written.
    """
    folder = new_folder_path(root)
    values = {"path": str(folder / subject.path), "root": str(root)}
    words = [_PLACEHOLDER.sub(lambda found: values[found[1]], word) for word in verifier.words]
    outcome = run(
        folder,
        lambda: _copy(subject, folder),
        words,
        current=current,
        environment=environment,
        seconds=verifier.timeout,
    )
    said = _said(outcome.said, folder, subject.base)
    if outcome.ending == "errno":
        return _unstarted(verifier, subject, outcome.number, current / words[0] if "/" in words[0] else None)
    return _finding(verifier, subject, outcome, said)


def _copy(subject: Subject, folder: Path) -> None:
    """Write the copy. It is not synced: nothing has to survive a crash."""
    try:
        if subject.is_folder:
            (folder / subject.path).mkdir(0o700, parents=True, exist_ok=True)
        for file in subject.files:
            _copy_file(file, folder / file.path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        message = f"the copy of the output {quote(subject.output)} for its verifier cannot be written: {reason}"
        raise PublishError(message, help=_HELP_OF_SPACE) from error


def _copy_file(file: CopiedFile, path: Path) -> None:
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    hashed = sha256()
    mode = 0o700 if file.is_executable else 0o600
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as copy:
        for chunk in file.chunks:
            copy.write(chunk)
            hashed.update(chunk)
    if file.sha256 not in (None, hashed.hexdigest()):
        raise FrostlineError(f"`{file.path}` was rendered twice, with different results", help="please report it")


def _said(said: bytes, folder: Path, base: Path) -> str:
    """What the verifier said, in one line, with the paths of the output in place of those of its copy."""
    shown = display_path(base)
    for found, name in (
        (f"{folder}/", "" if shown == "." else f"{shown}/"),
        (str(folder), shown),
        (folder.name, base.name or shown),
    ):
        said = said.replace(os.fsencode(found), os.fsencode(name))
    lines = [
        stripped for line in said.decode(errors="replace").split("\n") if (stripped := _COLOR.sub("", line).strip())
    ]
    if len(lines) > _LINES_OF_THE_START + _LINES_OF_THE_END:
        lines = [*lines[:_LINES_OF_THE_START], "…", *lines[-_LINES_OF_THE_END:]]
    text = " | ".join(lines)
    half = _MOST_SAID // 2
    return text if len(text) <= _MOST_SAID else f"{text[: half - 1]}…{text[-half:]}"


def _finding(verifier: Verifier, subject: Subject, outcome: Outcome, said: str) -> Finding | None:
    """What the outcome of a verifier that was started means."""
    program, output = quote(verifier.words[0]), f"the output {quote(subject.output)}"
    if outcome.ending == "exit" and outcome.number == 0:
        message = f"{output} is taken by {program}, but some of the processes that it has left could not be ended"
        way = "end them by hand, and let it wait for what it starts"
        return _found(verifier, subject, message, way, severity="warning") if outcome.left else None
    quoted = f"said: {said}" if said else "said nothing"
    way = "mend what it names in the template or the configuration" if said else "run it by hand to find out why"
    if outcome.ending == "exit":
        message = f"{output} is refused by {program}, which ended with status {outcome.number} and {quoted}"
    elif outcome.ending == "signal":
        message = f"{output} is not verified: {program} was ended by {signal_name(outcome.number)}, and {quoted}"
    elif outcome.ending == "timeout":
        seconds = pluralize(1, "second") if verifier.timeout == 1 else f"{verifier.timeout:g} seconds"
        message = f"{output} is not verified: {program} did not end within {seconds}, and {quoted}"
        way = "give it more time with `verify_timeout`"
    else:
        message = f"{output} is not verified: {program} has ended, or stopped, the process that watched over it"
        way = "mend that program"
    if outcome.left:
        message += "; some of the processes that it has started could not be ended"
    return _found(verifier, subject, message, _or_without(way, subject))


def _found(verifier: Verifier, subject: Subject, message: str, help: str, severity: Severity | None = None) -> Finding:
    return VERIFY.finding(message, value=subject.output, origin=verifier.origin, help=help, severity=severity)


def _or_without(way: str, subject: Subject) -> str:
    return f"{way}, or publish without it: `--allow {allow_words('unverified', [subject.output])}`"


def _unstarted(verifier: Verifier, subject: Subject, number: int, path: Path | None) -> Finding:
    """Why the verifier could not be started. path: of its program, where it is named by one, and not looked for."""
    word = verifier.words[0]
    reason, way = f"cannot be started: {os.strerror(number)}", "correct the first word of `verify`"
    if number == errno.ENOENT and (path.exists() if path else shutil.which(word)):
        reason = "cannot be started: its first line names a program that is not there"
        way = "correct its first line"
    elif number == errno.ENOENT:
        reason = "was not found" if path else "was not found in $PATH"
        way = "correct its path in `verify`" if path else "install it, or write its whole path in `verify`"
    elif number == errno.EACCES:
        way = "make it executable (`chmod +x`), or name the program that runs it before it"
    elif number == errno.ENOEXEC:
        way = "begin the script with a line such as `#!/bin/sh`"
    message = f"the output {quote(subject.output)} is not verified: {quote(word)} {reason}"
    return _found(verifier, subject, message, _or_without(way, subject))
