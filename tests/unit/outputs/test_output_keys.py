from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.model import FileOrigin
from frostline.outputs.output_keys import output_settings, text_list
from frostline.settings import OutputConsumer, OutputSelect, OutputSettings

On = Callable[[str], Cursor]
CONTEXT = Context(folder=Path("/srv"), root=Path("/srv"), source_types={"mesh": "consul"})


def test_the_keys_of_every_output_are_read(cursor: On) -> None:
    written = "{type: yaml, path: a/../b, name: n, select: 'a*', sources: [mesh], prefer: [dc1], consumer: j/g}"
    assert output_settings(cursor(written), CONTEXT, {"x": 1}) == OutputSettings(
        name="n",
        type="yaml",
        path=Path("/srv/b"),
        origin=FileOrigin("f.yaml", 1, 6),
        select=OutputSelect(services=("a*",)),
        sources=("mesh",),
        prefer=("dc1",),
        consumer=OutputConsumer(group="j/g"),
        options={"x": 1},
    )


def test_a_consumer_may_be_a_service(cursor: On) -> None:
    written = "{type: yaml, path: b, consumer: {service: web, namespace: ops, datacenter: dc1}}"
    settings = output_settings(cursor(written), CONTEXT, {})
    assert settings is not None
    assert settings.consumer == OutputConsumer(service="web", namespace="ops", datacenter="dc1")


def test_an_output_without_a_name_is_called_by_its_path_as_written(cursor: On) -> None:
    settings = output_settings(cursor("{type: yaml, path: ./b}"), CONTEXT, {})
    assert settings is not None
    assert settings.name == "./b"


def test_an_output_without_a_path_has_no_settings_and_its_other_keys_are_checked(cursor: On) -> None:
    place = cursor("{type: yaml, sources: [mesch]}")
    assert output_settings(place, CONTEXT, {}) is None
    assert [error.help for error in place.state.errors] == ["did you mean `mesh`?"]


def test_texts_are_a_plain_list(cursor: On) -> None:
    assert text_list(cursor("[a, b]")) == ["a", "b"]
