"""`frostline graph`: who depends on whom, offline."""

from __future__ import annotations

import click

from frostline import errors
from frostline.cli.console import (
    Invocation,
    info,
    print_json,
    print_text,
    report_value,
)
from frostline.cli.drawings import FORMS
from frostline.cli.invoking import invoked, load_invocation_config
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.pipeline.views import committed_registry, graph_value


@click.command("graph")
@click.option(
    "--as",
    "form",
    type=click.Choice(["text", "dot", "mermaid"]),
    default="text",
    show_default=True,
    help="How to draw it: text, Graphviz or Mermaid.",
)
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation, form: str) -> int:
    """Show who depends on whom: the upstreams that consumers declare.

    From the committed lock and the local sources. An upstream that nobody serves is marked.
    """
    config = load_invocation_config(invocation)
    registry = committed_registry(config)
    if invocation.format == "json":
        print_json(report_value(upstreams=graph_value(registry)))
        return errors.DONE
    if not registry.upstreams:
        info(invocation, "No upstreams: neither the lock nor a local source declares one.")
    if registry.upstreams or form != "text":
        print_text(invocation, FORMS[form](registry))
    return errors.DONE
