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
def test_a_json_file_that_is_no_job_is_refused_with_its_place(folder: Any, text: str, where: str) -> None:
    (folder.path / "a.json").write_text(text)
    error = folder.refusal(files=("*.json",))
    assert isinstance(error, SourceError)
    assert str(error.origin) == f"a.json:{where}"
