"""Lets a verifier judge a copy of the new bytes of one output, and turns its verdict into a finding."""

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
"""The most characters of a verifier's output that a finding quotes."""
_LINES_OF_THE_START, _LINES_OF_THE_END = 3, 5
_PLACEHOLDER = re.compile(r"(?<!\$)\{(path|root)\}")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_SPACE_HELP = "free some space, or set the environment variable TMPDIR to a folder with more space, then rerun"


class CopiedFile(Struct, frozen=True, kw_only=True):
    """A file of the output. path: relative to `Subject.base`. chunks: its new bytes. sha256: their digest in hex; None
    if it is unknown."""

    path: PurePosixPath
    chunks: Iterable[bytes]
    sha256: str | None
    is_executable: bool = False


class Subject(Struct, frozen=True, kw_only=True):
    """What a verifier judges. output: the name of the output. base: the absolute folder that the private folder copies.

    path: the path relative to base for which `{path}` stands. is_folder: whether that path is a folder.
    """

    output: str
    base: Path
    path: PurePosixPath
    files: Sequence[CopiedFile]
    is_folder: bool = False


def verify(
    verifier: Verifier, subject: Subject, root: Path, current: Path, environment: Mapping[str, str]
) -> Finding | None:
    """Run the verifier. Returns its complaint as a finding; None if it accepts the subject.

    current: the folder in which the verifier starts. Raises PublishError if the copy cannot be written.
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
    """Write the copy, without fsync: it need not survive a crash."""
    try:
        if subject.is_folder:
            (folder / subject.path).mkdir(0o700, parents=True, exist_ok=True)
        for file in subject.files:
            _copy_file(file, folder / file.path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        message = f"the copy of the output {quote(subject.output)} for its verifier cannot be written: {reason}"
        raise PublishError(message, help=_SPACE_HELP) from error


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
    """The verifier's output in one line, in which the paths of the output replace those of its copy."""
    shown = display_path(base)
    for copied, original in (
        (f"{folder}/", "" if shown == "." else f"{shown}/"),
        (str(folder), shown),
        (folder.name, base.name or shown),
    ):
        said = said.replace(os.fsencode(copied), os.fsencode(original))
    lines = [
        stripped for line in said.decode(errors="replace").split("\n") if (stripped := _COLOR.sub("", line).strip())
    ]
    if len(lines) > _LINES_OF_THE_START + _LINES_OF_THE_END:
        lines = [*lines[:_LINES_OF_THE_START], "…", *lines[-_LINES_OF_THE_END:]]
    text = " | ".join(lines)
    half = _MOST_SAID // 2
    return text if len(text) <= _MOST_SAID else f"{text[: half - 1]}…{text[-half:]}"


def _finding(verifier: Verifier, subject: Subject, outcome: Outcome, said: str) -> Finding | None:
    """The finding about the outcome of a verifier that was started; None if it accepts the subject."""
    program, output = quote(verifier.words[0]), f"the output {quote(subject.output)}"
    if outcome.ending == "exit" and outcome.number == 0:
        message = f"{output} is accepted by {program}, but some processes that it left running could not be ended"
        way = f"end them by hand, and let {program} wait for the processes that it starts"
        return _verify_finding(verifier, subject, message, way, severity="warning") if outcome.left else None
    quoted = f"said: {said}" if said else "said nothing"
    way = "correct what it names in the template or the configuration" if said else "run it by hand to find out why"
    if outcome.ending == "exit":
        message = f"{output} is refused by {program}, which ended with status {outcome.number} and {quoted}"
    elif outcome.ending == "signal":
        message = f"{output} is not verified: {program} was ended by {signal_name(outcome.number)}, and {quoted}"
    elif outcome.ending == "timeout":
        seconds = pluralize(1, "second") if verifier.timeout == 1 else f"{verifier.timeout:g} seconds"
        message = f"{output} is not verified: {program} did not end within {seconds}, and {quoted}"
        way = "give it more time with `verify_timeout`"
    else:
        message = f"{output} is not verified: {program} ended or stopped the process that supervises it"
        way = "correct that program"
    if outcome.left:
        message += "; some processes that it started could not be ended"
    return _verify_finding(verifier, subject, message, _or_unverified(way, subject))


def _verify_finding(
    verifier: Verifier, subject: Subject, message: str, help: str, severity: Severity | None = None
) -> Finding:
    return VERIFY.finding(message, value=subject.output, origin=verifier.origin, help=help, severity=severity)


def _or_unverified(way: str, subject: Subject) -> str:
    return f"{way}, or publish without verifying: `--allow {allow_words('unverified', [subject.output])}`"


def _unstarted(verifier: Verifier, subject: Subject, number: int, path: Path | None) -> Finding:
    """The finding about a verifier that could not be started. number: the errno.

    path: the path of its program; None if `verify` has only a name, which was looked up in $PATH.
    """
    word = verifier.words[0]
    reason, way = f"cannot be started: {os.strerror(number)}", "correct the first word of `verify`"
    if number == errno.ENOENT and (path.exists() if path else shutil.which(word)):
        reason = "cannot be started: its first line names a program that does not exist"
        way = "correct its first line"
    elif number == errno.ENOENT:
        reason = "was not found" if path else "was not found in $PATH"
        way = "correct its path in `verify`" if path else "install it, or write its whole path in `verify`"
    elif number == errno.EACCES:
        way = "make it executable (`chmod +x`), or write the program that runs it before it in `verify`"
    elif number == errno.ENOEXEC:
        way = "begin the script with a line such as `#!/bin/sh`"
    message = f"the output {quote(subject.output)} is not verified: {quote(word)} {reason}"
    return _verify_finding(verifier, subject, message, _or_unverified(way, subject))
