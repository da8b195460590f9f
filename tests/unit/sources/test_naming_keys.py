from __future__ import annotations

from collections.abc import Callable

import pytest

from frostline.config.cursor import Cursor
from frostline.settings import Keep, Naming, VersionFrom
from frostline.sources.naming_keys import live_fields, read_keep, read_naming

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


def test_without_keys_naming_is_the_default(cursor: On) -> None:
    assert read_naming(cursor("{}")) == Naming()
    assert read_naming(cursor("{version_from: name}")) == Naming()
    assert live_fields(cursor("{}")) == {"naming": Naming()}


def test_keep_is_globs_of_tags_and_meta(cursor: On) -> None:
    assert read_keep(cursor("{tags: [a], meta: ['x*', '!xy']}")) == Keep(tags=("a",), meta=("x*", "!xy"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("naming: ['{version}']", "a naming pattern needs {service}"),
        ("naming: ['{service}{service}']", "a naming pattern has {service} once"),
        ("naming: ['{service}-{version}-{version}']", "a naming pattern has {version} once"),
        ("version_pattern: '.*'", "`version_pattern` fits the empty text too"),
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
