"""What a command prints: data to stdout, everything else to stderr, all of it escaped for terminals and CI logs."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from msgspec import Struct

from frostline.errors import UNREADABLE, UNTOUCHED, FrostlineError, PublishError
from frostline.model import Finding
from frostline.reporters import json, text
from frostline.reporters.base import describes_rules, report_of, reporter_module
from frostline.text import escape_for_log

if TYPE_CHECKING:
    from frostline.cli.metrics_file import MetricsFile


class Invocation(Struct, frozen=True, kw_only=True):
    """The options of every command.

    config: the value of `-c`; None: search for the configuration. color: auto, always or never.
    metrics: the file of `--metrics`; None without it.
    """

    config: Path | None
    quiet: bool
    verbose: int
    today: date
    color: str
    format: str
    timings: bool = False
    metrics: MetricsFile | None = None


def prepare_streams() -> None:
    """Make stdout and stderr accept any text, whatever the locale. One that was closed at the start discards it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open as long as the process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def print_data(lines: Iterable[str]) -> None:
    """Print lines to stdout, not escaped. A reader that closes the pipe early is not an error.

    Raises PublishError if stdout cannot be written for another reason.
    """
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Otherwise the buffered rest would fail again when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            reason = f"the standard output cannot be written: {error.strerror}"
            raise PublishError(reason, help="fix the cause above and rerun") from None


_SIGNS = {"+": "\x1b[32m", "~": "\x1b[33m", "-": "\x1b[31m", "=": "\x1b[36m"}


def print_text(invocation: Invocation, lines: Iterable[str], *, signs: bool = False) -> None:
    """Print lines for a person to stdout. signs: color the indented lines that start with `+`, `~`, `-` or `=`."""
    colored = signs and _use_color(invocation, sys.stdout)
    print_data(_paint(line) if colored else line for line in map(escape_for_log, lines))


def _paint(line: str) -> str:
    color = _SIGNS.get(line.lstrip()[:1]) if line.startswith("  ") else None
    return f"{color}{line}\x1b[0m" if color else line


def print_json(value: Mapping[str, Any]) -> None:
    """Print a JSON document to stdout."""
    print_data(json.document_lines(value))


def report_value(findings: Iterable[Finding] = (), error: FrostlineError | None = None, **data: Any) -> dict[str, Any]:
    """Return a report as JSON values (schemas/report.schema.json), with the command's data under further keys."""
    return {**json.report_value(report_of(findings, [error] if error else ())), **data}


def print_err(line: str) -> None:
    """Print a line to stderr, not escaped. A closed stderr is not an error."""
    with suppress(OSError):
        sys.stderr.write(line + "\n")


def info(invocation: Invocation, line: str) -> None:
    """Print a line for the person who runs the command to stderr, unless `-q` is given."""
    if not invocation.quiet:
        print_err(escape_for_log(line))


def _use_color(invocation: Invocation, stream: TextIO) -> bool:
    if invocation.color == "auto":
        return stream.isatty() and not os.environ.get("NO_COLOR")
    return invocation.color == "always"


def text_report(
    invocation: Invocation, stream: TextIO, findings: Iterable[Finding], error: FrostlineError | None = None
) -> Iterable[str]:
    """Return the lines of a report for a person who reads this stream."""
    return text.lines(report_of(findings, [error] if error else ()), color=_use_color(invocation, stream))


def print_report(
    invocation: Invocation,
    findings: Iterable[Finding],
    error: FrostlineError | None = None,
    plan: Mapping[str, Any] | None = None,
) -> None:
    """Print the report to stdout, in the format of the invocation. plan: JSON values."""
    rules = None
    if describes_rules(invocation.format):
        from frostline.pipeline.reference.rule_table import rules_for_reports  # it imports all sources and outputs

        rules = rules_for_reports()
    report = report_of(findings, [error] if error else (), plan, rules)
    print_data(reporter_module(invocation.format).lines(report))


def show_error(error: FrostlineError, invocation: Invocation) -> None:
    """Print the error and its help to stderr; if the format is not text, also print the report to stdout."""
    for line in text_report(invocation, sys.stderr, (), error):
        print_err(line)
    print_ending(error)
    if invocation.format != "text":
        print_report(invocation, (), error)


def print_ending(error: FrostlineError | None) -> None:
    """Print the ending of an error to stderr: if a source could not be read, that nothing was written."""
    if error is not None and error.status == UNREADABLE:
        print_err(escape_for_log(error.ending or UNTOUCHED))


def show_findings(findings: Sequence[Finding], invocation: Invocation) -> None:
    """Print findings to stderr; with `-q` only the errors."""
    visible = [finding for finding in findings if finding.severity == "error" or not invocation.quiet]
    for line in text_report(invocation, sys.stderr, visible):
        print_err(line)


class _EscapingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return escape_for_log(super().format(record))


def configure_logging(invocation: Invocation) -> None:
    """Log to stderr: each stage with `-v`, and each request too with `-vv`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_EscapingFormatter("%(message)s"))
    logger = logging.getLogger("frostline")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel((logging.WARNING, logging.INFO)[invocation.verbose] if invocation.verbose < 2 else logging.DEBUG)
