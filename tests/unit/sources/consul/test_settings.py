from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.model import FileOrigin
from frostline.settings import Select
from frostline.sources.consul.settings import ConsulSettings, configure
from frostline.sources.consul.source import shape

On = Callable[[str], Cursor]
CONTEXT = Context(folder=Path("/srv"), root=Path("/srv"))
PLAIN = ConsulSettings(name="key", origin=FileOrigin("f.yaml", 1, 1))


def test_without_keys_the_settings_are_the_defaults(cursor: On) -> None:
    assert configure(cursor("{type: consul}"), CONTEXT) == PLAIN


def test_the_keys_of_consul_are_its_settings(cursor: On) -> None:
    written = "datacenters: ['*'], namespace: ops, partition: p, peers: [west], upstreams: false, acl: scoped"
    settings = configure(cursor(f"{{{written}, select: {{services: [a]}}}}"), CONTEXT)
    assert (settings.datacenters, settings.namespace, settings.partition) == (("*",), "ops", "p")
    assert (settings.peers, settings.acl, settings.select) == (("west",), "scoped", Select(services=("a",)))
    assert not settings.upstreams


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("acl: scoped", "`acl: scoped` needs literal names in `select.services`"),
        ("acl: scoped, select: {tags: [a]}", "`acl: scoped` needs literal names in `select.services`"),
        ("acl: scoped, select: {services: ['a*']}", "`acl: scoped` takes no globs in `select.services`"),
        ("acl: scoped, select: {services: [a, '!b']}", "`acl: scoped` takes no globs in `select.services`"),
    ],
)
def test_a_scoped_token_needs_literal_names(cursor: On, keys: str, said: str) -> None:
    place = cursor(f"{{{keys}}}")
    configure(place, CONTEXT)
    assert [error.message for error in place.state.errors] == [said]


def test_services_that_are_not_selected_can_be_asked_for_unless_the_token_is_scoped() -> None:
    narrow = Select(services=("a",), tags=("t",))
    strict = ConsulSettings(name="mesh", origin=FileOrigin(""), select=narrow)
    scoped = ConsulSettings(name="mesh", origin=FileOrigin(""), select=narrow, acl="scoped")
    assert strict.with_services(("b*",)).select == Select(services=("b*",), tags=("t",))
    assert scoped.with_services(("b*",)) == scoped


def test_the_metadata_of_nodes_is_in_the_digest_only_where_it_is_selected(cursor: On) -> None:
    plain = shape(configure(cursor("{type: consul}"), CONTEXT))
    selected = shape(configure(cursor("{type: consul, select: {node_meta: {rack: r1}}}"), CONTEXT))
    assert "node_meta" not in plain["select"]
    assert selected["select"] == plain["select"] | {"node_meta": {"rack": "r1"}}
