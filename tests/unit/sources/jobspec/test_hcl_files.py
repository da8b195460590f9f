"""Job files in HCL2, against the jobs that a real Nomad makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import FrostlineError, SourceError
from frostline.model import Bind, Declaration, FileOrigin, Upstream
from frostline.settings import JobspecSettings
from frostline.sources.jobspec import source as jobspec

RECORDED = Path(__file__).parents[3] / "data" / "nomad" / "jobs"
PLACE = FileOrigin("frostline.yaml", 4, 5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(folder: Path, **more: Any) -> JobspecSettings:
    more.setdefault("files", ("*.nomad.hcl",))
    return JobspecSettings(name="jobs", origin=PLACE, folder=folder, root=folder, files_origin=PLACE, **more)


def declared(folder: Path, text: str = "", **more: Any) -> Declaration:
    if text:
        (folder / "a.nomad.hcl").write_text(text, encoding="utf-8")
    return jobspec.declare(settings(folder, **more))


def refusal(folder: Path, text: str = "", **more: Any) -> FrostlineError:
    with pytest.raises(FrostlineError) as caught:
        declared(folder, text, **more)
    return caught.value


def place(error: FrostlineError) -> str:
    return str(error.origin)


JOB = """
job "shop" {{
  {job}
  group "web" {{
    {group}
    service {{
      {service}
    }}
  }}
}}
"""


def job(folder: Path, *, job: str = "", group: str = "", service: str = "", **more: Any) -> Declaration:
    return declared(folder, JOB.format(job=job, group=group, service=service), **more)


def canonical_services(name: str) -> list[dict[str, Any]]:
    job = json.loads((RECORDED / f"{name}.canonical.json").read_text())
    found = []
    for group in job["TaskGroups"]:
        found += group["Services"] or []
        found += [service for task in group["Tasks"] for service in task.get("Services") or []]
    return found


@pytest.mark.parametrize("name", ["defaults", "live", "modes", "shop"])
def test_a_job_file_declares_the_services_that_nomad_makes_of_it(name: str) -> None:
    var_files = (RECORDED / "shop.vars.hcl",) if name == "shop" else ()
    found = jobspec.declare(settings(RECORDED, files=(f"{name}.nomad.hcl",), var_files=var_files))
    wanted = canonical_services(name)
    registered = {"${JOB}-${TASKGROUP}-${TASK}-${BASE}": "defaults-first-one-defaults-first-one"}
    assert [one.service for one in found.services] == [registered.get(one["Name"], one["Name"]) for one in wanted]
    for one, recorded in zip(found.services, wanted, strict=True):
        assert list(one.tags) == [tag for tag in recorded["Tags"] or [] if "${" not in tag]
        assert one.meta.keys() == (recorded["Meta"] or {}).keys()
        assert one.weight == (recorded.get("Weights") or {"Passing": 1})["Passing"]
        if recorded["Address"]:
            assert one.address == recorded["Address"]


def test_the_upstreams_are_those_that_nomad_makes_of_the_file() -> None:
    found = jobspec.declare(
        settings(RECORDED, files=("shop.nomad.hcl",), var_files=(RECORDED / "shop.vars.hcl",))
    ).upstreams
    recorded = [
        upstream
        for service in canonical_services("shop")
        if service["Connect"]
        for upstream in service["Connect"]["SidecarService"]["Proxy"]["Upstreams"]
    ]
    assert [(one.destination, one.bind.port, one.datacenter) for one, _ in found] == [
        (one["DestinationName"], one["LocalBindPort"], one["Datacenter"]) for one in recorded
    ]
    assert {(one.namespace, one.job, one.group) for one, _ in found} == {("retail", "shop", "web")}
    assert [one.bind.address for one, _ in found] == ["127.0.0.1", "127.0.0.1", "127.0.0.2"]


def test_a_task_that_stands_alone_is_a_group_of_its_name(folder: Path) -> None:
    found = declared(folder, 'job "j" {\n task "t" {\n service {}\n }\n}\n')
    assert [one.service for one in found.services] == ["j-t-t"]


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


def upstreams(folder: Path, text: str) -> list[Upstream]:
    return [one for one, _ in job(folder, service=UPSTREAM.format(text)).upstreams]


def test_an_upstream_has_all_that_the_file_says(folder: Path) -> None:
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


def test_an_upstream_may_listen_on_a_socket(folder: Path) -> None:
    (found,) = upstreams(folder, 'destination_name = "a"\nlocal_bind_socket_path = "/alloc/a.sock"')
    assert found.bind == Bind(socket="/alloc/a.sock")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("local_bind_port = 1", "without `destination_name`"),
        ('destination_name = "a"\nlocal_bind_port = 70000', "not a port"),
        ('destination_name = "a"\nlocal_bind_port = 1.5', "whole number"),
        ('destination_name = "a"\nlocal_bind_port = "x"', "local_bind_port"),
        ('destination_name = "a"\nnonsense = 1', "unknown argument `nonsense`"),
        ('destination_nam = "a"', "unknown argument `destination_nam`"),
    ],
)
def test_an_upstream_that_is_none_is_refused_with_its_place(folder: Path, text: str, reason: str) -> None:
    error = refusal(folder, JOB.format(job="", group="", service=UPSTREAM.format(text)))
    assert isinstance(error, SourceError)
    assert reason in error.message
    assert place(error).startswith("a.nomad.hcl:1")
