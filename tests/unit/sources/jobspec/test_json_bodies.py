"""Job files in HCL's JSON syntax."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.errors import FrostlineError

TOP = {
    "variable": '{"n": {"default": "${x}", "type": "string"}, "ports": {"type": "list(number)"}}',
    "locals": '{"name": "a-${upper(\\"b\\")}"}',
}


def declared(folder: Any, job: str, top: str = "", **more: Any) -> Any:
    (folder.path / "a.hcl").write_text(f'{{{top} "job": {{"j": {job}}}}}')
    return folder.declared(files=("a.hcl",), **more)


def group(content: str) -> str:
    return f'{{"group": {{"g": {content}}}}}'


@pytest.mark.parametrize(
    ("job", "names"),
    [
        (group('{"service": {"name": "a"}}'), ["a"]),
        (group('{"service": [{"name": "a"}, {"name": "b"}]}'), ["a", "b"]),
        (group('[{"service": {"name": "a"}}]'), ["a"]),
        ('{"group": [{"g": {"service": {"name": "a"}}}, {"h": {"service": {}}}]}', ["a", "j-h"]),
        (group('{"service": null}'), []),
        (group('{"//": "a comment", "service": {"//": 1, "name": "a"}}'), ["a"]),
        (group('{"service": {"name": "x-${NOMAD_GROUP_NAME}-${local.name}"}}'), ["x-g-a-B"]),
        (group('{"task": {"t": {"driver": "docker", "service": {}}}}'), ["j-g-t"]),
        (
            group('{"dynamic": {"service": {"for_each": ["p", "q"], "content": {"name": "${service.value}"}}}}'),
            ["p", "q"],
        ),
        (
            group(
                '{"dynamic": {"service": [{"for_each": {"k": 1}, "iterator": "each", "content": '
                '{"name": "${each.key}-${each.value}"}}]}}'
            ),
            ["k-1"],
        ),
        (group('{"meta": {"tier": "gold"}, "service": {"name": "x-$${NOMAD_META_tier}"}}'), ["x-gold"]),
    ],
)
def test_members_are_blocks_and_arguments_as_their_names_say(folder: Any, job: str, names: list[str]) -> None:
    top = f'"locals": {TOP["locals"]},'
    assert [service.service for service in declared(folder, job, top).services] == names


def test_a_default_is_not_a_template_but_other_strings_are(folder: Any) -> None:
    top = f'"variable": {TOP["variable"]},'
    job = group(
        '{"service": {"name": "a", "tags": ["${var.n}", "%{ if true }yes%{ endif }\\nline"], "port": "${1 + 1}"}}'
    )
    (found,) = declared(folder, job, top).services
    assert (found.tags, found.port) == (("${x}", "yes\nline"), 2)


def test_a_type_is_an_expression_in_a_string(folder: Any) -> None:
    top = f'"variable": {TOP["variable"]},'
    job = group('{"service": {"name": "a", "port": "${var.ports[0]}"}}')
    place = {"ports": folder.settings().origin}
    (found,) = declared(folder, job, top, variables={"ports": ["81"]}, places=place).services
    assert found.port == 81


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"job": {"j": {"group": {"g": {"service": {"nam": "a"}}}}}}', "1:51"),
        ('{"job": {"j": {"group": {"g": {"service": {"name": "a", "name": "b"}}}}}}', "1:65"),
        ('{"job": {"j": {"group": {"g": {"service": {"name": "x-${nope(1)}"}}}}}}', "1:57"),
        ('{"job": {"j": {"group": {"g": {"service": {\n"name": "x-${var.a}"}}}}}}', "2:17"),
        ('{"job": {"j": 1}}', "1:15"),
        ('{"job": {"j": {}, "k": {}}}', "1:24"),
        ('{"jobs": {}}', "1:10"),
        ('{"job": {"j": {"group": {"g": {"update": [{}, {}]}}}}}', "1:47"),
    ],
)
def test_what_does_not_belong_is_refused_at_its_place(folder: Any, text: str, place: str) -> None:
    (folder.path / "a.hcl").write_text(text)
    error = folder.refusal(files=("a.hcl",))
    assert isinstance(error, FrostlineError)
    assert str(error.origin) == f"a.hcl:{place}"
