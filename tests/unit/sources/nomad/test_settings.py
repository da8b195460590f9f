from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.model import FileOrigin
from frostline.sources.nomad.settings import NomadSettings, configure

On = Callable[[str], Cursor]
CONTEXT = Context(folder=Path("/srv"), root=Path("/srv"))
PLAIN = NomadSettings(name="key", origin=FileOrigin("f.yaml", 1, 1))


def test_without_keys_the_settings_are_the_defaults(cursor: On) -> None:
    assert configure(cursor("{type: nomad}"), CONTEXT) == PLAIN


def test_the_keys_of_nomad_are_its_settings(cursor: On) -> None:
    written = "{regions: [eu], namespaces: ['*'], services: false, upstreams: false, canaries: true}"
    settings = configure(cursor(written), CONTEXT)
    assert (settings.regions, settings.namespaces) == (("eu",), ("*",))
    assert (settings.services, settings.upstreams, settings.canaries) == (False, False, True)


def test_the_metadata_of_nodes_is_refused_with_the_reason(cursor: On) -> None:
    on = cursor("{type: nomad, select: {node_meta: {rack: r1}}}")
    configure(on, CONTEXT)
    (error,) = on.state.errors
    assert "`node_meta` is for Consul" in str(error)
    assert error.help == "let the job register a tag, and select by `tags`"
