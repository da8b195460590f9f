"""`frostline graph`: show who depends on whom, offline."""

from __future__ import annotations

import click

from frostline import errors
from frostline.cli.console import Invocation, info, print_json, print_text, report_value
from frostline.cli.drawings import FORMS
from frostline.cli.invoking import invoked, load_invocation_config
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.pipeline.views.committed import committed_registry
from frostline.pipeline.views.graph import calls_value, configured_calls, graph_value


@click.command("graph")
@click.option(
    "--as",
    "form",
    type=click.Choice(["text", "dot", "mermaid"]),
    default="text",
    metavar="FORM",
    help="How to draw it: text (default), dot for Graphviz, or mermaid.",
)
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation, form: str) -> int:
    """Show who depends on whom: the upstreams that consumers declare.

    Reads the committed lock, the local sources and the key `consumers`. Marks what nobody serves.
    """
    config = load_invocation_config(invocation)
    registry = committed_registry(config)
    calls = configured_calls(config, registry)
    if invocation.format == "json":
        print_json(report_value(upstreams=graph_value(registry), consumers=calls_value(calls, registry)))
        return errors.DONE
    is_empty = not (registry.upstreams or calls)
    if is_empty:
        info(
            invocation, "No upstreams: neither the lock nor a local source declares one, nor does the key `consumers`."
        )
    if not is_empty or form != "text":
        print_text(invocation, FORMS[form](registry, calls))
    return errors.DONE
