"""Services and upstreams as Nomad registers them: placeholders are filled, or become a finding."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.errors import ErrorGroup, SourceError

PORTS = 'network {\n port "http" {\n static = 8080\n to = 80\n }\n port "my-port" {\n static = 9\n }\n port "d" {}\n }'
UPSTREAM = "connect {{\n sidecar_service {{\n proxy {{\n upstreams {{\n {0}\n }}\n }}\n }}\n }}"


def only(folder: Any, **parts: str) -> Any:
    (service,) = folder.job(**parts).services
    return service


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${NOMAD_META_tier}", "gold"),
        ("${NOMAD_META_TIER}", "gold"),
        ("${NOMAD_META_a_b}", "dashed"),
        ("${NOMAD_META_own}", "group"),
        ("${NOMAD_META_where}", "in web"),
        ("${NOMAD_PORT_http}", "80"),
        ("${NOMAD_HOST_PORT_http}", "8080"),
        ("${NOMAD_PORT_my_port}", "9"),
        ("${NOMAD_GROUP_NAME}.${NOMAD_JOB_ID}", "web.shop"),
        ("${1}", "${1}"),
        ("${ NOMAD_META_tier }", "${ NOMAD_META_tier }"),
        ("${NOT_OF_THE_GROUP}", "${NOT_OF_THE_GROUP}"),
        ("$${NOMAD_META_tier}", "gold"),
        ("${}x", "${}x"),
    ],
)
def test_a_tag_and_a_meta_have_what_the_job_says(folder: Any, text: str, filled: str) -> None:
    job = 'meta = { tier = "gold", "a-b" = "dashed", own = "job", where = "in $${NOMAD_GROUP_NAME}" }'
    text = text if text.startswith("$${") else text.replace("${", "$${")
    service = f'name = "x"\ntags = ["{text}"]\nmeta {{\n m = "{text}"\n }}'
    found = folder.job(job=job, group=f'meta {{\n own = "group"\n }}\n{PORTS}', service=service)
    assert (found.services[0].tags, found.services[0].meta) == ((filled,), {"m": filled})
    assert found.findings == ()


def test_a_service_of_a_task_has_the_variables_and_the_meta_of_the_task(folder: Any) -> None:
    text = """
    job "shop" {
      group "web" {
        meta { own = "group" }
        task "t" {
          env {
            STAGE = "prod-${NOMAD_META_own}"
          }
          meta = { own = "task" }
          service { name = "x-${STAGE}-${NOMAD_TASK_NAME}" }
        }
        service { name = "y-${NOMAD_META_own}" }
      }
    }
    """
    assert [service.service for service in folder.declared(text).services] == ["y-group", "x-prod-task-t"]


def test_an_upstream_is_filled_where_the_client_fills_it(folder: Any, matches_golden: Any) -> None:
    text = """
    destination_name   = "db-${NOMAD_META_tier}"
    datacenter         = "${NOMAD_META_tier}"
    local_bind_address = "127.0.0.${NOMAD_META_last}"
    local_bind_port    = 1
    """
    job = 'meta = { tier = "gold", last = 2 }'
    ((found, _),) = folder.job(job=job, service=UPSTREAM.format(text)).upstreams
    assert (found.destination, found.datacenter, found.bind.address) == ("db-gold", "gold", "127.0.0.2")
    refused = folder.job(service=UPSTREAM.format('destination_name = "db-${NOMAD_DC}"'))
    assert refused.upstreams == ()
    matches_golden("job-upstream", refused.findings)


def test_meta_that_dispatchers_set_is_not_filled(folder: Any) -> None:
    job = 'parameterized {\n meta_optional = ["tier"]\n }\nmeta {\n tier = "gold"\n other = "o"\n }'
    service = 'name = "x-${NOMAD_META_other}"\ntags = ["${NOMAD_META_tier}"]'
    found = folder.job(job=job, service=service)
    assert [(service.service, service.tags) for service in found.services] == [("x-o", ())]
    assert [finding.rule for finding in found.findings] == ["job-tag"]


@pytest.mark.parametrize("mode", ["", 'address_mode = "alloc"'])
def test_the_port_is_the_one_inside_where_the_address_is(folder: Any, mode: str) -> None:
    assert only(folder, group=PORTS, service=f'name = "x"\nport = "http"\n{mode}').port == (80 if mode else 8080)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("my_service", "`_` is neither"),
        ("a.b", "`.` is neither"),
        ("-a", "begins or ends with a dash"),
        ("x" * 64, "it has 64 characters"),
        ("é", "`é` is neither"),
        ("a b", "` ` is neither"),
    ],
)
@pytest.mark.parametrize("provider", ["nomad", "consul"])
def test_a_name_that_nomad_refuses_is_a_finding(folder: Any, name: str, why: str, provider: str) -> None:
    (finding,) = folder.job(service=f'name = "{name}"\nprovider = "{provider}"').findings
    assert (finding.rule, finding.severity) == ("name-unregistrable", "error")
    assert why in finding.message


@pytest.mark.parametrize("name", ["a", "A-9", "x" * 63, "x-${NOMAD_META_tier}", "${BASE}"])
def test_a_name_that_nomad_accepts_is_not_a_finding(folder: Any, name: str) -> None:
    # What the client fills in is not checked by Nomad.
    assert folder.job(job='meta {\n tier = "a_b"\n }', service=f'name = "{name}"').findings == ()


def test_findings_about_services_read_as_recorded(folder: Any, matches_golden: Any) -> None:
    matches_golden("name-unregistrable", folder.job(service='name = "my_service"').findings)
    matches_golden("port-label", folder.job(group=PORTS, service='name = "web"\nport = "htpp"').findings)
    meta = 'name = "web"\nmeta { rack = "$${meta.rack}" }'
    matches_golden("job-meta", folder.job(service=meta).findings)


@pytest.mark.parametrize("port", ["htpp", "99999", "-1", "8080 ", "http "])
def test_a_port_label_that_does_not_exist_is_a_finding(folder: Any, port: str) -> None:
    found = folder.job(group=PORTS, service=f'name = "x"\naddress = "a"\nport = "{port}"')
    assert [finding.rule for finding in found.findings] == ["port-label"]
    assert (found.services[0].address, found.services[0].port) == ("", 0)


@pytest.mark.parametrize("port", ["http", "d", "8080", "", "${NOMAD_PORT_d}", "${NOMAD_HOST_PORT_my_port}"])
def test_a_port_label_that_exists_is_not_a_finding(folder: Any, port: str) -> None:
    assert folder.job(group=PORTS, service=f'name = "x"\nport = "{port}"').findings == ()


def test_a_name_with_an_open_placeholder_says_why(folder: Any) -> None:
    def message(name: str, job: str = "") -> str:
        found = folder.job(job=job, service=f'name = "{name}"')
        assert found.services == ()
        return str(found.findings[0].message)

    assert "known only on the client" in message("x-${NOMAD_ALLOC_ID}")
    assert "nothing in the job fills: `${STAGE}`" in message("x-$${STAGE}")
    assert "differs in each run" in message("x-${NOMAD_JOB_ID}", "periodic {}")
    assert "differs in each run" in message("x-${NOMAD_JOB_NAME}", "parameterized {}")


@pytest.mark.parametrize(
    "service",
    [
        'name = "my_x"',
        'name = "my-x"\nport = "nope"',
        'name = "my-x"\ntags = ["${node.class}"]',
        'name = "my-${meta.x}"',
    ],
)
def test_a_service_that_is_not_selected_has_no_findings(folder: Any, service: str) -> None:
    assert folder.job(service=service).findings
    found = folder.job(service=service, services=("*", "!my*"))
    assert (found.services, found.findings) == ((), ())


def test_a_service_that_is_not_selected_may_have_unknown_values(folder: Any) -> None:
    text = 'variable "v" {}\njob "j" {\n group "g" {\n service {\n name = "my-x"\n port = var.v\n }\n }\n}\n'
    assert folder.declared(text, services=("*", "!my*")).services == ()


SETTINGS = {"address": "{name}.service.consul"}


@pytest.mark.parametrize(
    ("service", "endpoint"),
    [
        ('port = "http"', ("x.service.consul", 8080, True)),
        ('port = "80"', ("x.service.consul", 80, True)),
        ('port = "d"', ("", 0, False)),
        ("", ("", 0, False)),
        ('port = "80"\naddress = "10.0.0.1"', ("10.0.0.1", 80, False)),
        ('port = "80"\naddress = "${attr.unique.network.ip-address}"', ("", 80, False)),
    ],
)
def test_the_sources_address_is_for_services_that_say_none(
    folder: Any, service: str, endpoint: tuple[str, int, bool]
) -> None:
    (found,) = folder.job(group=PORTS, service=f'name = "x"\n{service}', **SETTINGS).services
    assert (found.address, found.port, found.fallback) == endpoint


UNKNOWN = """variable "v" {{}}
job "j" {{
  {top}
  group "g" {{
    {group}
    service {{
      name = "x"
      {service}
    }}
  }}
}}
"""


def unknown(**parts: str) -> str:
    """Make a job file with a variable that is not set. parts: lines of the job (top), the group and the service."""
    return UNKNOWN.format(**{"top": "", "group": "", "service": "", **parts})


@pytest.mark.parametrize(
    "parts",
    [
        {"top": "datacenters = [var.v]"},
        {"top": "meta {\n m = var.v\n }"},
        {"top": "meta = var.v"},
        {"top": "priority = var.v"},
        {"top": "region = var.v"},
        {"group": "count = var.v"},
        {"group": 'task "t" {\n driver = var.v\n env {\n A = "${var.v}"\n }\n }'},
        {"group": 'task "t" {\n config {\n image = "a:${upper(var.v)}"\n }\n }'},
        {"group": 'task "t" {\n dynamic "template" {\n for_each = var.v\n content {\n }\n }\n }'},
        {"group": 'network {\n port "other" {\n static = var.v\n }\n }'},
        {"service": "check {\n path = var.v\n }"},
        {"service": "provider = var.v"},
        {"service": 'tags = [length([var.v]) == 1 ? "a" : "b"]'},
        {"service": 'tags = [false && var.v ? "a" : "b"]'},
    ],
)
def test_an_unset_variable_that_nothing_here_needs_is_not_an_error(folder: Any, parts: dict[str, str]) -> None:
    (service,) = folder.declared(unknown(**parts)).services
    assert service.service == "x"


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"service": "port = var.v"}, "the port of a service"),
        ({"service": "address = var.v"}, "the address of a service"),
        ({"service": "tags = var.v"}, "the tags of a service"),
        ({"service": 'tags = ["a", "b-${var.v}"]'}, "a tag of a service"),
        ({"service": 'tags = concat(["a"], var.v)'}, "the tags of a service"),
        ({"service": 'tags = [for tag in ["a"] : tag if var.v]'}, "the tags of a service"),
        ({"service": "meta {\n m = var.v\n }"}, "the meta of a service"),
        ({"service": "weights {\n passing = var.v\n }"}, "the weight of a service"),
        ({"top": "namespace = var.v"}, "the namespace of the job"),
        ({"top": "meta {\n m = var.v\n }", "service": 'tags = ["$${NOMAD_META_m}"]'}, "a tag of a service"),
        (
            {"group": 'network {\n port "p" {\n static = var.v\n }\n }', "service": 'port = "p"'},
            "the number of the port `p`",
        ),
        ({"group": 'dynamic "service" {\n for_each = var.v\n content {}\n }'}, "`for_each` of the `service` blocks"),
        ({"top": 'dynamic "group" {\n for_each = ["a"]\n labels = [var.v]\n content {}\n }'}, "`labels`"),
        ({"service": UPSTREAM.format("destination_name = var.v")}, "the destination of an upstream"),
        (
            {"top": "region = var.v", "service": UPSTREAM.format('destination_name = "a"')},
            "the region of the job",
        ),
    ],
)
def test_an_unset_variable_that_decides_what_is_registered_is_an_error(
    folder: Any, parts: dict[str, str], what: str
) -> None:
    error = folder.refusal(unknown(**parts))
    assert isinstance(error, SourceError)
    assert error.message.startswith(
        f"source jobs: the variable `v` is not set and has no default, but {what} needs it ("
    )
    assert str(error.origin) == "a.nomad.hcl:1:1"
    assert "environment: [NOMAD_VAR_v]" in str(error.help)


def test_all_unset_variables_of_all_files_are_reported_in_one_run(folder: Any) -> None:
    text = 'variable "{0}" {{}}\nvariable "other" {{}}\n'
    text += 'job "j" {{\n group "g" {{\n service {{\n name = var.{0}\n }}\n }}\n}}\n'
    (folder.path / "b.nomad.hcl").write_text(text.format("y"))
    error = folder.refusal(text.format("x"))
    assert isinstance(error, ErrorGroup)
    assert [str(inner.origin) for inner in error.errors] == [
        "a.nomad.hcl:1:1",
        "a.nomad.hcl:2:1",
        "b.nomad.hcl:1:1",
        "b.nomad.hcl:2:1",
    ]


def test_a_value_that_differs_in_each_run_is_an_error_where_it_is_needed(folder: Any) -> None:
    error = folder.refusal(unknown(service="address = uuidv4()").partition("\n")[2])
    assert "the address of a service is known only when Nomad reads the file: it depends on `uuidv4()`" in error.message
    assert str(error.origin) == "a.nomad.hcl:7:17"


def test_the_environment_that_the_source_reads_is_named(folder: Any) -> None:
    error = folder.refusal(unknown(service="port = var.v"), environment=("NOMAD_VAR_v",))
    assert str(error.help).startswith("set $NOMAD_VAR_v, ")
