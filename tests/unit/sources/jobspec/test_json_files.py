"""Job files in JSON."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.errors import SourceError
from frostline.model import Bind, Upstream


def test_a_json_job_file_declares_the_same_things(recorded: Any) -> None:
    found = recorded.declared(files=("shop.json",))
    assert [(service.service, service.tags) for service in found.services] == [("shop-json", ("v1",))]
    upstream = Upstream(
        namespace="default",
        job="shop-json",
        group="web",
        destination="basket-v2",
        bind=Bind(address="127.0.0.1", port=9101),
    )
    assert [found_upstream for found_upstream, _ in found.upstreams] == [upstream]
    assert found.upstreams[0][1].line == 3


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "1:2"),
        ("[]", "1:1"),
        ("{}", "1:1"),
        ('{"Job": {"ID": 1}}', "1:16"),
        ('{"ID": "a", "TaskGroups": {}}', "1:27"),
        ('{"ID": "a", "TaskGroups": [{"Name": "g", "Services": [{"Tags": [1]}]}]}', "1:65"),
        ('{"ID": "a", "TaskGroups": [{"Services": []}]}', "1:28"),
        ('{"ID": "a",\n "Name": NaN}', "1:1"),
        ('{"ID": "a", "TaskGroups": [{"Name": "g", "Networks": [{"ReservedPorts": [{"Value": 65536}]}]}]}', "1:84"),
        ('{"ID": "a", "TaskGroups": [{"Name": "g", "Services": [{"Weights": {"Passing": -1}}]}]}', "1:79"),
        ('{"ID": "\\ud800"}', "1:8"),
        ("[" * 100_000, "1:1"),
    ],
)
def test_a_json_file_that_is_not_a_job_is_refused_with_its_place(folder: Any, text: str, where: str) -> None:
    (folder.path / "a.json").write_text(text)
    error = folder.refusal(files=("*.json",))
    assert isinstance(error, SourceError)
    assert str(error.origin) == f"a.json:{where}"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"name": "shop", "version": "1.0.0"}', "1:1"),
        ('{"Job": {"Name": "shop"}}', "1:9"),
        ('{"ID": "shop", "TaskGroups": []}', "1:1"),
        ('{"ID": "shop", "TaskGroups": null, "Stop": true}', "1:1"),
    ],
)
def test_a_json_file_that_has_no_groups_says_so_and_does_not_count_for_a_job(
    folder: Any, text: str, where: str
) -> None:
    (folder.path / "a.json").write_text(text)
    error = folder.refusal(files=("*.json",))
    assert str(error.origin) == f"a.json:{where}"
    assert error.message.endswith("a job without `TaskGroups`")
    assert "leave out of `files` what is no job" in error.help


SERVICE = '{{"ID": "s", "TaskGroups": [{{"Name": "g", "Meta": {{"tier": "gold"}}, {0} "Services": [{1}]}}]}}'


def declared(folder: Any, service: str, group: str = "") -> Any:
    (folder.path / "a.json").write_text(SERVICE.format(group, service))
    return folder.declared(files=("a.json",))


@pytest.mark.parametrize(
    ("service", "tags", "meta"),
    [
        ('{"Tags": null, "Meta": null}', (), {}),
        ('{"Tags": ["a", null], "Meta": {"k": null}}', ("a", ""), {"k": ""}),
        ('{"tags": ["a"], "META": {"K": "v"}}', ("a",), {"K": "v"}),
        ('{"Tags": ["a"], "Tags": ["b"]}', ("b",), {}),
        ('{"Meta": {"a": "1", "b": "1"}, "meta": {"b": "2"}}', (), {"a": "1", "b": "2"}),
        ('{"Nonsense": {"x": [1]}, "Tags": ["${NOMAD_META_tier}"]}', ("gold",), {}),
    ],
)
def test_members_are_read_as_go_reads_them(
    folder: Any, service: str, tags: tuple[str, ...], meta: dict[str, str]
) -> None:
    (found,) = declared(folder, service).services
    assert (found.tags, found.meta) == (tags, meta)


def test_a_gateway_is_not_a_service(folder: Any) -> None:
    assert declared(folder, '{"Name": "edge", "Connect": {"Gateway": {"Mesh": {}}}}').services == ()
    assert len(declared(folder, '{"Name": "a", "Connect": {"Gateway": null}}').services) == 1


def test_ports_and_children_are_read_as_in_hcl(folder: Any) -> None:
    ports = '"Networks": [{"ReservedPorts": [{"Label": "http", "Value": 8080, "To": 80}]}],'
    (found,) = declared(folder, '{"PortLabel": "http"}', ports).services
    assert found.port == 8080
    assert [finding.rule for finding in declared(folder, '{"PortLabel": "htpp"}', ports).findings] == ["port-label"]
    (folder.path / "a.json").write_text(
        '{"ID": "s", "Periodic": {}, "TaskGroups": [{"Name": "g", "Services": [{"Name": "${NOMAD_JOB_ID}"}]}]}'
    )
    assert [finding.rule for finding in folder.declared(files=("a.json",)).findings] == ["job-name"]


def test_a_stopped_job_declares_nothing(folder: Any) -> None:
    for stop, number in (("true", 0), ("false", 1), ("null", 1)):
        text = SERVICE.format("", "{}").replace('"ID"', f'"Stop": {stop}, "ID"')
        (folder.path / "a.json").write_text(text)
        assert len(folder.declared(files=("a.json",)).services) == number
