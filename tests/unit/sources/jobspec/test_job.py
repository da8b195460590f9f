"""Services and upstreams of jobs, as Nomad registers them."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("group", "service", "endpoint"),
    [
        ("", 'address = "10.0.0.1"\nport = "8080"', ("10.0.0.1", 8080)),
        ("", 'address = "10.0.0.1"\nport = 8080', ("10.0.0.1", 8080)),
        (
            'network {\n port "db" {\n static = 5432\n }\n }',
            'address = "db.example"\nport = "db"',
            ("db.example", 5432),
        ),
        ('network {\n port "db" {\n to = 5432\n }\n }', 'address = "db.example"\nport = "db"', ("", 0)),
        ('network {\n port "db" {\n static = 5432\n }\n }', 'port = "db"', ("", 5432)),
        ("", 'address = "10.0.0.1"', ("", 0)),
        ("", 'address = "10.0.0.1"\nport = "99999"', ("", 0)),
        ("", 'address = "${attr.unique.network.ip-address}"\nport = "80"', ("", 80)),
        (
            'task "t" {\n resources {\n network {\n port "db" {\n static = 7\n }\n }\n }\n }',
            'address = "a"\nport = "db"',
            ("a", 7),
        ),
    ],
)
def test_a_service_with_literal_address_and_port_is_an_endpoint(
    folder: Any, group: str, service: str, endpoint: tuple[str, int]
) -> None:
    (found,) = folder.job(group=group, service=service).services
    assert (found.address, found.port) == endpoint


def test_what_is_known_at_registration_is_filled_in(folder: Any) -> None:
    text = """
    name = "${NOMAD_JOB_NAME}-${NOMAD_GROUP_NAME}-${NOMAD_NAMESPACE}-${JOB}-${TASKGROUP}-${TASK}"
    tags = ["${NOMAD_JOB_ID}"]
    meta {
      region = "${NOMAD_REGION}"
    }
    """
    found = folder.job(job='namespace = "ops"\nregion = "eu"', service=text)
    (service,) = found.services
    assert service.service == "shop-web-ops-shop-web-group"
    assert service.tags == ("shop",)
    assert service.meta == {"region": "eu"}
    assert found.findings == ()


def test_the_id_and_the_name_of_a_job_may_differ(folder: Any) -> None:
    text = 'name = "${NOMAD_JOB_ID}-${NOMAD_JOB_NAME}"'
    (service,) = folder.job(job='id = "the-id"\nname = "the-name"', service=text).services
    assert service.service == "the-id-the-name"


@pytest.mark.parametrize(
    ("service", "rule", "severity", "column"),
    [
        ('name = "x-${NOMAD_ALLOC_INDEX}"', "job-name", "error", 14),
        ('port = "${NOMAD_PORT_http}"', "job-port", "error", 14),
        ('tags = ["a", "${node.class}"]', "job-tag", "warning", 14),
    ],
)
def test_what_only_a_client_knows_is_a_finding_with_its_place(
    folder: Any, service: str, rule: str, severity: str, column: int
) -> None:
    (finding,) = folder.job(service=service).findings
    assert (finding.rule, finding.severity) == (rule, severity)
    assert str(finding.origin) == f"a.nomad.hcl:7:{column}"


@pytest.mark.parametrize(
    ("rule", "service"),
    [
        ("job-name", 'name = "web-${NOMAD_ALLOC_INDEX}"'),
        ("job-port", 'name = "web"\nport = "${meta.port}"'),
        ("job-tag", 'name = "web"\ntags = ["api", "host=${attr.unique.hostname}"]'),
    ],
)
def test_what_only_a_client_knows_reads_as_recorded(folder: Any, rule: str, service: str, matches_golden: Any) -> None:
    matches_golden(rule, folder.job(service=service).findings)


def test_a_service_with_an_unknown_name_is_left_out_but_only_the_tag_with_an_unknown_tag(folder: Any) -> None:
    assert folder.job(service='name = "x-${NOMAD_ALLOC_ID}"').services == ()
    (service,) = folder.job(service='tags = ["a", "b-${attr.kernel.name}"]').services
    assert service.tags == ("a",)
