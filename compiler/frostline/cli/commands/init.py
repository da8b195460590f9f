"""`frostline init`: write a configuration to start with, for what is found here."""

from __future__ import annotations

import os
import shlex
from typing import Any

import click

from frostline import errors
from frostline.cli.console import Invocation, info, print_json, report_value
from frostline.cli.invoking import invoked
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.config.paths import working_folder
from frostline.errors import UsageError
from frostline.pipeline.init.candidates import Tried
from frostline.pipeline.init.writing import Start, copy_template, write_start
from frostline.pipeline.load.config import NAME
from frostline.text import list_names, pluralize


@click.command("init")
@click.option("--template", metavar="NAME", help="Copy this template of `builtin:` here instead, to change it.")
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation, template: str | None) -> int:
    """Write a first configuration for what is found here.

    Asks Consul and Nomad, and looks for job files, a Python package and a Puppet control repository.
    Overwrites nothing.
    """
    if invocation.config is not None:
        raise UsageError("init writes frostline.yaml into the working folder, and takes no -c", help="go there with cd")
    folder = working_folder()
    if template is not None:
        path = copy_template(template, folder)
        if invocation.format == "json":
            print_json(report_value(start=_value(Start(written=(path,)))))
        instead = f"write `template: {path}` in place of `builtin: {template}`"
        info(invocation, f"Wrote {path}. In frostline.yaml, {instead}.")
        return errors.DONE
    start = write_start(folder, os.environ, invocation.today)
    if invocation.format == "json":
        print_json(report_value(start=_value(start)))
    for line in _summary(start):
        info(invocation, line)
    return errors.DONE


def _value(start: Start) -> dict[str, Any]:
    return {
        "sources": [
            {
                "source": tried.candidate.name,
                "services": tried.services,
                "problem": tried.problem,
                "others": list(tried.others),
            }
            for tried in start.sources
        ],
        "written": list(start.written),
        "kept": list(start.kept),
        "attributes": start.attributes.splitlines(),
        "ci": start.ci.splitlines(),
        "problem": start.problem,
    }


def _summary(start: Start) -> list[str]:
    lines = [_line_of(source) for source in start.sources]
    lines.append(f"Wrote {list_names(start.written)}.")
    for path in start.kept:
        lines.append(f"{path} exists already, and stays as it is.")
    if start.ci:
        lines.append("To check each change, and to hear once in a while what moved, add these jobs to your CI:")
        lines += [f"  {line}" for line in start.ci.splitlines()]
    if start.attributes:
        lines.append("Add to .gitattributes, so that git keeps lock and outputs whole:")
        lines += [f"  {line}" for line in start.attributes.splitlines()]
    if start.below:
        path = shlex.quote(f"{start.below}/{NAME}")
        lines.append(f"This folder is not the top of its repository: in CI there, run `frostline check -c {path}`.")
    if start.problem:
        lines.append(f"warning: this does not compile yet: {start.problem}")
        lines.append("Next: `frostline plan` shows each error and what to do about it.")
    else:
        lines.append("Next: `frostline plan` shows what would be published, `frostline compile` publishes it.")
    return lines


def _line_of(source: Tried) -> str:
    what = source.candidate.what
    if source.problem:
        return f"{what}: not used, {source.problem}"
    errors = f", {pluralize(source.errors, 'error')}" if source.errors else ""
    return f"{what}: {pluralize(source.services, 'service')}{errors}{_others(source)}"


def _others(source: Tried) -> str:
    if not source.others:
        return ""
    noun = source.candidate.segments
    known = f"the {noun}{'' if len(source.others) == 1 else 's'} {list_names(source.others)}"
    return f"; the agent knows {known} as well, which `{noun}s` of `{source.candidate.name}` reads: uncomment it"
