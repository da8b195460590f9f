from __future__ import annotations

from typing import Any

from frostline.model import FileOrigin
from frostline.sources.nomad.policy import policy
from frostline.sources.nomad.settings import NomadSettings


def policy_of(**fields: Any) -> str:
    return policy(NomadSettings(name="live", origin=FileOrigin("frostline.yaml"), **fields))


def test_each_namespace_that_is_read_can_list_and_read_jobs() -> None:
    assert policy_of() == 'namespace "default" { capabilities = ["list-jobs", "read-job"] }'
    assert policy_of(namespaces=("b", "a*", "b")) == (
        'namespace "a*" { capabilities = ["list-jobs", "read-job"] }\n'
        'namespace "b" { capabilities = ["list-jobs", "read-job"] }'
    )


def test_without_upstreams_jobs_are_not_listed() -> None:
    assert policy_of(upstreams=False) == 'namespace "default" { capabilities = ["read-job"] }'


def test_a_namespace_that_is_left_out_by_name_is_denied() -> None:
    text = policy_of(namespaces=("*", "!ops"))
    assert text.splitlines()[0] == 'namespace "ops" { policy = "deny" }'
    assert "deny" not in policy_of(namespaces=("!ops", "*"))
