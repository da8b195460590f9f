"""`frostline check`: verify, for CI, that what is published matches the lock and the configuration."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial

import click

from frostline import errors
from frostline.cli.console import (
    Invocation,
    info,
    print_data,
    print_ending,
    print_err,
    print_json,
    print_report,
    print_text,
    report_value,
    text_report,
)
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings, warn_of_pending_run
from frostline.cli.locks import ONLY_LOCK
from frostline.cli.options import (
    DURATION,
    REPORT_FORMATS,
    common_options,
    format_option,
    metrics_option,
    timings_option,
    wait_option,
)
from frostline.cli.reaching import reach_lines, reach_value
from frostline.pipeline.check.checking import CheckResult, Drift
from frostline.pipeline.check.checking import check as find_drift
from frostline.pipeline.check.reach import UNREACHED, Reach, reach_endpoints
from frostline.pipeline.publish.other_runs import look
from frostline.pipeline.views.committed import committed_registry


@click.command("check")
@click.option("--live", is_flag=True, help="Also read the live sources and report changes since the lock.")
@click.option("--reach", is_flag=True, help="Also connect to each frozen endpoint and report those that fail.")
@click.option("--verify", is_flag=True, help="Also start the verifiers of all outputs on what compile would write.")
@click.option(
    "--exact", is_flag=True, help="With --live: also report changes of the lock alone, such as ids and nodes."
)
@wait_option
@click.option(
    "--max-age",
    type=DURATION,
    metavar="AGE",
    help="Also exit with 1 if a segment of the lock was not confirmed within this time, such as 24h.",
)
@format_option(*REPORT_FORMATS)
@timings_option
@metrics_option
@common_options
@invoked
def command(
    invocation: Invocation,
    live: bool,
    reach: bool,
    verify: bool,
    exact: bool,
    wait: float,
    max_age: float | None,
) -> int:
    """Verify that outputs, manifest and lock agree and checks pass.

    Exits with 1 on drift, with 4 if a check fails. Uses no network unless --live or --reach is given.
    """
    if exact and not live:
        raise click.UsageError("--exact needs --live: without it, the lock is not compared with the sources")
    if wait and not live:
        raise click.UsageError("--wait needs --live: without it, no server is asked")
    config = load_invocation_config(invocation)
    warn_of_pending_run(invocation, config)
    result = look(
        config,
        lambda: find_drift(config, invocation.today, live=live, exact=exact, wait=wait, max_age=max_age, verify=verify),
        partial(info, invocation),
    )
    reached = None
    if reach:
        reached = reach_endpoints(committed_registry(config), config.checks.waivers, invocation.today)
    if invocation.metrics:
        invocation.metrics.note_result(findings=result.findings, lock=result.lock)
    _print_result(invocation, result, reached)
    status = _status(result, reached)
    if status == errors.DIFFERENT:
        helps = [*(drift.help for drift in result.drift), *([UNREACHED.mend] if reached and reached.unreached else [])]
        for help_text in dict.fromkeys(helps):
            info(invocation, help_text)
    elif status == errors.DONE:
        info(invocation, "Outputs, manifest and lock agree.")
    if result.verified:
        info(invocation, f"Verified: {', '.join(result.verified)}.")
    elif verify and not any(output.verifier for output in config.outputs):
        info(invocation, "No output has `verify`: nothing was verified.")
    if result.only_lock:
        info(invocation, f"{ONLY_LOCK} `--exact` counts that too.")
    return status


def _print_result(invocation: Invocation, result: CheckResult, reached: Reach | None) -> None:
    print_warnings(invocation, result.warnings)
    if invocation.format == "json":
        drift = [
            {"what": drift.subject, "why": drift.reason, "lines": list(drift.lines), "help": drift.help}
            for drift in result.drift
        ]
        reach = {"reach": reach_value(reached)} if reached else {}
        verified = {} if result.verified is None else {"verified": list(result.verified)}
        print_json(report_value(result.findings, result.unread, drift=drift, **reach, **verified))
    elif invocation.format == "text":
        print_text(invocation, [*_drift_lines(result.drift), *(reach_lines(reached) if reached else ())])
        print_data(text_report(invocation, sys.stdout, result.findings))
    else:
        unreached = [missed.finding() for missed in reached.unreached] if reached else []
        drift_findings = [drift.finding() for drift in result.drift]
        print_report(invocation, [*result.findings, *drift_findings, *unreached], result.unread)
    for line in text_report(invocation, sys.stderr, (), result.unread):
        print_err(line)
    print_ending(result.unread)


def _drift_lines(drift: Iterable[Drift]) -> Iterator[str]:
    for difference in drift:
        yield f"{difference.subject} {difference.reason}"
        yield from (f"    {line}" for line in difference.lines)


def _status(result: CheckResult, reached: Reach | None) -> int:
    differs = result.drift or (reached and reached.unreached)
    statuses = [errors.DIFFERENT if differs else errors.DONE]
    statuses += [errors.REFUSED] if result.refused else []
    statuses += [result.unread.status] if result.unread else []
    return max(statuses)
