"""`explain` says what outputs have that select endpoints, or make URLs of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from frostline.cli.commands.explain import explanation_lines
from frostline.model import Instance, Lock, Snapshot
from frostline.pipeline.views.explaining import Explanation, explain, explanation_value
from frostline.resources import schema_text
from frostline.settings import Config

MESH = {"type": "consul", "address": "http://127.0.0.1:9"}
LOCK = Lock(
    tuple(
        Snapshot(
            source="mesh",
            datacenter=datacenter,
            namespace="",
            settings="",
            instances=(Instance(service="pay-v1", node="n", id="i", address=address, port=80, tags=("api",)),),
        )
        for datacenter, address in (("dc1", "10.0.0.1"), ("dc2", "10.0.0.2"))
    )
)


def explained(configure: Callable[..., Config], *outputs: dict[str, Any]) -> Explanation:
    written = [{"type": "yaml", "path": f"{at}.yaml", **output} for at, output in enumerate(outputs)]
    config = configure(sources={"mesh": MESH}, outputs=written)
    return explain(config, LOCK, (), "pay", None)


def test_the_urls_of_an_output_are_shown_beside_those_of_the_registry(configure: Callable[..., Config]) -> None:
    found = explained(
        configure,
        {},
        {"name": "health", "url": "{scheme}://{address}:{port}/health", "select": {"datacenters": ["dc2"]}},
        {"name": "none", "select": {"tags": ["x\x1b"]}},
        {"name": "other", "select": {"services": ["mail"], "tags": ["x"]}},
    )
    lines = list(explanation_lines(found))
    assert [line for line in lines if line.startswith("  >")] == [
        "  > * http://10.0.0.2:80/health  in the output health",
        "  > the output none leaves it out",
    ]
    (value,) = explanation_value(found)
    assert value["outputs"] == [
        {
            "output": "health",
            "url": "http://10.0.0.2:80/health",
            "endpoints": [{**value["endpoints"][1], "url": "http://10.0.0.2:80/health"}],
        },
        {"output": "none", "url": None, "endpoints": []},
    ]
    schema = json.loads(schema_text("report"))
    part = {**schema["properties"]["explained"], "$defs": schema["$defs"], "properties": schema["properties"]}
    Draft202012Validator(part).validate([value])


def test_outputs_that_have_what_the_registry_has_are_not_listed(configure: Callable[..., Config]) -> None:
    found = explained(configure, {}, {"select": ["pay"]}, {"sources": ["mesh"]}, {"prefer": ["dc9"]})
    assert found.outputs == ()
    assert "outputs" not in explanation_value(found)[0]


def test_an_output_that_prefers_another_datacenter_is_shown_with_the_url_that_it_chooses(
    configure: Callable[..., Config],
) -> None:
    found = explained(configure, {"prefer": ["dc1"]}, {"prefer": ["dc2"]})
    assert [line for line in explanation_lines(found) if line.startswith("  >")] == [
        "  > * http://10.0.0.2:80/v1  in the output 1.yaml"
    ]


def test_an_output_of_other_sources_is_shown_with_what_it_sees(
    configure: Callable[..., Config],
) -> None:
    edge = {"type": "static", "services": {"pay": {"v1": "http://edge.example/pay/v1"}}}
    config = configure(
        sources={"mesh": MESH, "edge": edge, "other": {**edge, "services": {"mail": "http://mail.example"}}},
        precedence=["edge", "mesh", "other"],
        outputs=[
            {"type": "yaml", "path": "edge.yaml", "sources": ["edge"]},
            {"type": "yaml", "path": "mesh.yaml", "sources": ["mesh"]},
            {"type": "yaml", "path": "other.yaml", "sources": ["other"]},
        ],
    )
    lines = list(explanation_lines(explain(config, LOCK, (), "pay-v1", None)))
    assert [line.split("  in the output ")[-1] for line in lines if line.startswith("  >")] == ["mesh.yaml"] * 2


def test_an_endpoint_without_a_url_in_the_output_is_not_shown(configure: Callable[..., Config]) -> None:
    found = explained(configure, {"name": "needy", "url": "http://{address}/{meta[x]}"})
    assert "  > the output needy has it without an endpoint" in list(explanation_lines(found))
