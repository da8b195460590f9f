from __future__ import annotations

from typing import Any

import pytest

from frostline.model import FileOrigin
from frostline.settings import Select
from frostline.sources.consul.policy import policy
from frostline.sources.consul.settings import ConsulSettings


def policy_of(**fields: Any) -> str:
    return policy(ConsulSettings(name="mesh", origin=FileOrigin("frostline.yaml"), **fields))


ALL = 'node_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }'


@pytest.mark.parametrize("fields", [{}, {"select": Select(services=("web",))}, {"datacenters": ("*",)}])
def test_strict_reads_every_node_and_service(fields: Any) -> None:
    assert policy_of(**fields) == ALL


def test_scoped_reads_each_named_service_once() -> None:
    select = Select(services=("web", 'a"${x}\\\n', "web"))
    assert policy_of(acl="scoped", select=select, upstreams=False) == (
        'node_prefix "" { policy = "read" }\n'
        'service "a\\"\\u0024{x}\\\\\\n" { policy = "read" }\n'
        'service "web" { policy = "read" }'
    )


def test_scoped_names_the_rights_for_sidecars_in_comments() -> None:
    lines = policy_of(acl="scoped", select=Select(services=("web",))).splitlines()
    assert lines[-2:] == [
        "# Where they have sidecars, whose upstreams are read too (not with `upstreams: false`):",
        '# service "web-sidecar-proxy" { policy = "read" }',
    ]


def test_peers_need_the_state_of_the_peering() -> None:
    assert policy_of(peers=("west",)) == f'{ALL}\npeering = "read"'


def test_enterprise_namespaces_and_partitions_hold_the_rules() -> None:
    assert policy_of(namespace="ops", partition="p") == (
        'partition "p" {\n'
        '  namespace "ops" {\n'
        '    node_prefix "" { policy = "read" }\n'
        '    service_prefix "" { policy = "read" }\n'
        "  }\n"
        "}"
    )
