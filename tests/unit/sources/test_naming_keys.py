from __future__ import annotations

from collections.abc import Callable

import pytest

from frostline.config.cursor import Cursor
from frostline.settings import Keep, Naming, SchemeRule, VersionFrom
from frostline.sources.naming_keys import live_fields, read_keep, read_local_keep, read_naming

On = Callable[[str], Cursor]


def test_naming_is_read_from_the_keys_of_its_source(cursor: On) -> None:
    written = (
        "{naming: ['{service}.{version}'], version_pattern: 'v[0-9]', version_from: {tag: 'v=(.+)'}, "
        "url: 'http://{node}/{meta[a]}', unversioned_url: 'http://{tag[b]}'}"
    )
    assert read_naming(cursor(written)) == Naming(
        patterns=("{service}.{version}",),
        version_pattern="v[0-9]",
        version_from=VersionFrom(tag="v=(.+)"),
        url="http://{node}/{meta[a]}",
        unversioned_url="http://{tag[b]}",
    )


def test_the_rules_for_the_scheme_are_read_in_their_order(cursor: On) -> None:
    written = (
        "{scheme: [{meta: p}, {meta: s, equals: 'true', is: https}, {meta: e, equals: '', is: ws}, {tag: t, is: wss}]}"
    )
    assert read_naming(cursor(written)).scheme == (
        SchemeRule(meta="p"),
        SchemeRule(meta="s", equals="true", scheme="https"),
        SchemeRule(meta="e", equals="", scheme="ws"),
        SchemeRule(tag="t", scheme="wss"),
    )
    assert read_naming(cursor("{scheme: [grpc+tls]}")).scheme == (SchemeRule(scheme="grpc+tls"),)
    assert read_naming(cursor("{scheme: [{meta: scheme}, http]}")) == Naming()


def test_without_keys_naming_is_the_default(cursor: On) -> None:
    assert read_naming(cursor("{}")) == Naming()
    assert read_naming(cursor("{version_from: name}")) == Naming()
    assert live_fields(cursor("{}")) == {"naming": Naming()}


def test_keep_is_globs_of_tags_and_meta(cursor: On) -> None:
    assert read_keep(cursor("{tags: [a], meta: ['x*', '!xy']}")) == Keep(tags=("a",), meta=("x*", "!xy"))


def test_keep_leaves_out_ids_and_nodes(cursor: On) -> None:
    assert read_keep(cursor("{ids: false, nodes: false}")) == Keep(ids=False, nodes=False)
    assert read_keep(cursor("{endpoints: false}")) == Keep(endpoints=False)
    assert read_keep(cursor("{ids: true}")) == Keep()


def test_a_pattern_with_the_node_needs_nodes(cursor: On) -> None:
    place = cursor(
        "{keep: {nodes: false}, url: 'http://{node}/{version}', unversioned_url: 'http://{{node}}-{node}.x'}"
    )
    live_fields(place)
    assert [error.message[: error.message.index(" ")] for error in place.state.errors] == ["`url`", "`unversioned_url`"]
    for keys in (
        "{keep: {nodes: false}, url: 'http://{{node}}/{version}'}",
        "{keep: {ids: false}, url: 'http://{node}/{version}'}",
    ):
        place = cursor(keys)
        live_fields(place)
        assert place.state.errors == []


def test_keep_of_job_files_refuses_ids_nodes_and_endpoints(cursor: On) -> None:
    place = cursor("{tags: [a], ids: true, nodes: false, endpoints: false}")
    assert read_local_keep(place) == Keep(tags=("a",))
    assert [error.message[: error.message.index(" ")] for error in place.state.errors] == [
        "`ids`",
        "`nodes`",
        "`endpoints`",
    ]
    assert all("job files are not frozen in the lock" in error.message for error in place.state.errors)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("naming: ['{version}']", "a naming pattern needs {service}"),
        ("naming: ['{service}{service}']", "a naming pattern has {service} once"),
        ("naming: ['{service}-{version}-{version}']", "a naming pattern has {version} once"),
        ("version_pattern: '.*'", "`version_pattern` also matches the empty text"),
        ("version_pattern: '(?P<service>a)'", "`version_pattern` is not a regular expression: redefinition of group"),
        ("version_from: {tag: 'v=.+'}", "`tag` has no group"),
        ("url: 'http://{adress}'", "`url` has an unknown placeholder {adress}"),
        ("unversioned_url: 'http://{address}/{version}'", "`unversioned_url` is for services without a version"),
    ],
)
def test_a_wrong_naming_is_refused_at_its_place(cursor: On, keys: str, said: str) -> None:
    place = cursor(f"{{{keys}}}")
    read_naming(place)
    (error,) = place.state.errors
    assert error.message.startswith(said)
    assert error.origin is not None
    assert error.help


def test_a_brace_before_the_word_version_is_no_placeholder(cursor: On) -> None:
    assert read_naming(cursor("{unversioned_url: 'http://h/{{version}}'}")).unversioned_url == "http://h/{{version}}"
