"""Job files in HCL2, compared with the jobs that a real Nomad reads from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import SourceError
from frostline.model import Bind, Upstream

RECORDED = Path(__file__).parents[3] / "data" / "nomad" / "jobs"


def canonical_services(name: str) -> list[dict[str, Any]]:
    job = json.loads((RECORDED / f"{name}.canonical.json").read_text())
    found = []
    for group in job["TaskGroups"]:
        found += group["Services"] or []
        found += [service for task in group["Tasks"] for service in task.get("Services") or []]
    return found


@pytest.mark.parametrize("name", ["defaults", "live", "modes", "shop"])
def test_a_job_file_declares_the_services_that_nomad_registers_from_it(recorded: Any, name: str) -> None:
    var_files = (RECORDED / "shop.vars.hcl",) if name == "shop" else ()
    found = recorded.declared(files=(f"{name}.nomad.hcl",), var_files=var_files)
    wanted = canonical_services(name)
    registered = {"${JOB}-${TASKGROUP}-${TASK}-${BASE}": "defaults-first-one-defaults-first-one"}
    assert [service.service for service in found.services] == [
        registered.get(service["Name"], service["Name"]) for service in wanted
    ]
    for service, canonical in zip(found.services, wanted, strict=True):
        assert list(service.tags) == [tag for tag in canonical["Tags"] or [] if "${" not in tag]
        assert service.meta.keys() == (canonical["Meta"] or {}).keys()
        assert service.weight == (canonical.get("Weights") or {"Passing": 1})["Passing"]
        if canonical["Address"]:
            assert service.address == canonical["Address"]


def test_the_upstreams_are_those_that_nomad_makes_of_the_file(recorded: Any) -> None:
    found = recorded.declared(files=("shop.nomad.hcl",), var_files=(RECORDED / "shop.vars.hcl",)).upstreams
    wanted = [
        upstream
        for service in canonical_services("shop")
        if service["Connect"]
        for upstream in service["Connect"]["SidecarService"]["Proxy"]["Upstreams"]
    ]
    assert [(upstream.destination, upstream.bind.port, upstream.datacenter) for upstream, _ in found] == [
        (upstream["DestinationName"], upstream["LocalBindPort"], upstream["Datacenter"]) for upstream in wanted
    ]
    assert {(upstream.namespace, upstream.job, upstream.group) for upstream, _ in found} == {("retail", "shop", "web")}
    assert [upstream.bind.address for upstream, _ in found] == ["127.0.0.1", "127.0.0.1", "127.0.0.2"]


def test_a_task_outside_of_groups_is_a_group_of_its_name(folder: Any) -> None:
    found = folder.declared('job "j" {\n task "t" {\n service {}\n }\n}\n')
    assert [service.service for service in found.services] == ["j-t-t"]


UPSTREAM = """
connect {{
  sidecar_service {{
    proxy {{
      upstreams {{
        {0}
      }}
    }}
  }}
}}
"""


def upstreams(folder: Any, text: str) -> list[Upstream]:
    return [upstream for upstream, _ in folder.job(service=UPSTREAM.format(text)).upstreams]


def test_an_upstream_has_all_that_the_file_says(folder: Any) -> None:
    text = """
    destination_name      = "payments-v1"
    destination_namespace = "bank"
    destination_peer      = "west"
    destination_type      = "prepared_query"
    datacenter            = "dc2"
    local_bind_address    = "127.0.0.2"
    local_bind_port       = 9000 + 1
    """
    assert upstreams(folder, text) == [
        Upstream(
            namespace="default",
            job="shop",
            group="web",
            destination="payments-v1",
            bind=Bind(address="127.0.0.2", port=9001),
            kind="prepared_query",
            destination_namespace="bank",
            datacenter="dc2",
            peer="west",
        )
    ]


def test_an_upstream_may_listen_on_a_socket(folder: Any) -> None:
    (found,) = upstreams(folder, 'destination_name = "a"\nlocal_bind_socket_path = "/alloc/a.sock"')
    assert found.bind == Bind(socket="/alloc/a.sock")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("local_bind_port = 1", "without `destination_name`"),
        ('destination_name = "a"\nlocal_bind_port = 70000', "not a port"),
        ('destination_name = "a"\nlocal_bind_port = 1.5', "whole number"),
        ('destination_name = "a"\nlocal_bind_port = 1 / 0', "whole number"),
        ('destination_name = "a"\nlocal_bind_port = "x"', "local_bind_port"),
        ('destination_name = "a"\nnonsense = 1', "unknown argument `nonsense`"),
        ('destination_nam = "a"', "unknown argument `destination_nam`"),
    ],
)
def test_an_invalid_upstream_is_refused_with_its_place(folder: Any, text: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        folder.job(service=UPSTREAM.format(text))
    error = caught.value
    assert reason in error.message
    assert str(error.origin).startswith("a.nomad.hcl:1")


@pytest.mark.parametrize(
    ("body", "message", "help_text"),
    [
        ("check = 5", "`check` is a block here, not an argument", "write `check { … }`, without `=`"),
        ("port {}", "`port` is an argument here, not a block", "write `port = …`"),
        ('name "web"', "the opening brace of a block must be on the line of its name", "write `name = …`"),
        ('name: "web"', "this is neither an argument", "write `name = …`"),
        ("name = 'web'", "quotes must be double quotes", 'write "…"'),
        ("prot = 5", "unknown argument `prot`", "did you mean `port`?"),
        ("xyz = 5", "unknown argument `xyz`", "the arguments here are `address`, "),
        ("name = local.a.x", "`local.a` has no attribute `x`", "correct the file, or leave it out of `files`"),
        ("name = length(5)", "must be a list, a set, a map or a tuple, but is of type number", "correct the file"),
    ],
)
def test_a_fault_in_a_service_is_reported_with_what_to_write(
    folder: Any, body: str, message: str, help_text: str
) -> None:
    error = folder.refusal(f'locals {{\n a = {{}}\n}}\njob "j" {{\n group "g" {{\n service {{\n {body}\n }}\n }}\n}}\n')
    assert message in error.message
    assert help_text in error.help


def test_every_error_in_a_file_has_a_help_line(folder: Any) -> None:
    for text in (
        "",
        "job",
        "\0",
        'job "a" {',
        'job "a" {}\njob "b" {}\n',
        "[[ x ]]",
        'locals {\n a = local.a\n}\njob "j" {}\n',
    ):
        assert folder.refusal(text).help
