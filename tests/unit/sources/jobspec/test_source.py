from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import ErrorGroup, FrostlineError, SourceError, UsageError
from frostline.model import Bind, Declaration, FileOrigin, Upstream
from frostline.settings import JobspecSettings
from frostline.sources.jobspec import source as jobspec

RECORDED = Path(__file__).parents[3] / "data" / "nomad" / "jobs"
PLACE = FileOrigin("frostline.yaml", 4, 5)

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


def job(folder: Path, *, job: str = "", group: str = "", service: str = "", **more: Any) -> Declaration:
    return declared(folder, JOB.format(job=job, group=group, service=service), **more)


def refusal(folder: Path, text: str = "", **more: Any) -> FrostlineError:
    with pytest.raises(FrostlineError) as caught:
        declared(folder, text, **more)
    return caught.value


def place(error: FrostlineError) -> str:
    return str(error.origin)


# --- what a real Nomad makes of job files -----------------------------------------------------------------------------


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


def test_a_json_job_file_declares_the_same_things() -> None:
    found = jobspec.declare(settings(RECORDED, files=("shop.json",)))
    assert [(one.service, one.tags) for one in found.services] == [("shop-json", ("v1",))]
    upstream = Upstream(
        namespace="default",
        job="shop-json",
        group="web",
        destination="basket-v2",
        bind=Bind(address="127.0.0.1", port=9101),
    )
    assert [one for one, _ in found.upstreams] == [upstream]
    assert found.upstreams[0][1].line == 3


# --- services ---------------------------------------------------------------------------------------------------------


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
        ('network {\n port "db" {\n static = 5432\n }\n }', 'port = "db"', ("", 0)),
        ("", 'address = "10.0.0.1"', ("", 0)),
        ("", 'address = "10.0.0.1"\nport = "99999"', ("", 0)),
        ("", 'address = "${attr.unique.network.ip-address}"\nport = "80"', ("", 0)),
        (
            'task "t" {\n resources {\n network {\n port "db" {\n static = 7\n }\n }\n }\n }',
            'address = "a"\nport = "db"',
            ("a", 7),
        ),
    ],
)
def test_a_service_with_literal_address_and_port_is_an_endpoint(
    folder: Path, group: str, service: str, endpoint: tuple[str, int]
) -> None:
    (found,) = job(folder, group=group, service=service).services
    assert (found.address, found.port) == endpoint


def test_what_is_known_at_registration_is_filled_in(folder: Path) -> None:
    text = """
    name = "${NOMAD_JOB_NAME}-${NOMAD_GROUP_NAME}-${NOMAD_NAMESPACE}-${JOB}-${TASKGROUP}-${TASK}"
    tags = ["${NOMAD_JOB_ID}"]
    meta {
      region = "${NOMAD_REGION}"
    }
    """
    found = job(folder, job='namespace = "ops"\nregion = "eu"', service=text)
    (service,) = found.services
    assert service.service == "shop-web-ops-shop-web-group"
    assert service.tags == ("shop",)
    assert service.meta == {"region": "eu"}
    assert found.findings == ()


def test_an_id_and_a_name_of_the_job_are_told_apart(folder: Path) -> None:
    text = 'name = "${NOMAD_JOB_ID}-${NOMAD_JOB_NAME}"'
    (service,) = job(folder, job='id = "the-id"\nname = "the-name"', service=text).services
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
    folder: Path, service: str, rule: str, severity: str, column: int
) -> None:
    (finding,) = job(folder, service=service).findings
    assert (finding.rule, finding.severity) == (rule, severity)
    assert str(finding.origin) == f"a.nomad.hcl:7:{column}"


def test_a_service_without_a_name_that_is_known_is_left_out_and_a_tag_alone(folder: Path) -> None:
    assert job(folder, service='name = "x-${NOMAD_ALLOC_ID}"').services == ()
    (service,) = job(folder, service='tags = ["a", "b-${attr.kernel.name}"]').services
    assert service.tags == ("a",)


def test_a_task_that_stands_alone_is_a_group_of_its_name(folder: Path) -> None:
    found = declared(folder, 'job "j" {\n task "t" {\n service {}\n }\n}\n')
    assert [one.service for one in found.services] == ["j-t-t"]


# --- upstreams --------------------------------------------------------------------------------------------------------

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


# --- the shape of a file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ('job "a" {\n  nonsense = 1\n}\n', "2:3"),
        ('job "a" {\n  nonsense {}\n}\n', "2:3"),
        ('job "a" {\n  group {}\n}\n', "2:3"),
        ('job "a" {}\njob "b" {}\n', "2:1"),
        ("job {}\n", "1:1"),
        ('variable "a" {}\n', "1:1"),
        ("a = 1\n", "1:1"),
        ("nonsense {}\n", "1:1"),
        ('job "a" {\n  datacenters = 1\n}\n', "2:17"),
        ('job "a" {\n  meta {\n    x = [1]\n  }\n}\n', "3:9"),
        ('job "a" {\n  group "b" {\n    service {\n      name = null\n    }\n  }\n}\n', "4:14"),
        ('job "a" {\n  group "b" {\n    service {\n      tags = ["x", null]\n    }\n  }\n}\n', "4:14"),
        ('job "a" {\n  group "b" {\n    service {\n      meta = {}\n    }\n  }\n}\n', "4:7"),
        ('job "a" {\n  group "b" {\n    service {\n      connect {}\n      connect {}\n    }\n  }\n}\n', "5:7"),
        (
            'job "a" {\n  group "b" {\n    task "c" {\n      config {\n        x = var.nope\n      }\n    }\n  }\n}\n',
            "5:16",
        ),
        ('job "a" {\n  dynamic "nonsense" {\n    for_each = []\n    content {}\n  }\n}\n', "2:11"),
        ('job "a" {\n  dynamic "group" {\n    content {}\n  }\n}\n', "2:3"),
        ('job "a" {\n  dynamic "group" {\n    for_each = 1\n    labels = ["x"]\n    content {}\n  }\n}\n', "3:16"),
        ("job", "1:1"),
        ("", "1:1"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(folder: Path, text: str, at: str) -> None:
    (folder / "a.nomad.hcl").write_text(text)
    error = refusal(folder)
    assert isinstance(error, SourceError)
    assert place(error) == f"a.nomad.hcl:{at}"


def test_every_file_that_is_broken_is_named(folder: Path) -> None:
    (folder / "b.nomad.hcl").write_text("b")
    error = refusal(folder, "a")
    assert isinstance(error, ErrorGroup)
    assert [place(one) for one in error.errors] == ["a.nomad.hcl:1:1", "b.nomad.hcl:1:1"]


def test_dynamic_blocks_nest_with_iterators_and_labels(folder: Path) -> None:
    text = """
    job "a" {
      dynamic "group" {
        for_each = { x = ["p", "q"], y = [] }
        iterator = each
        labels   = ["g-${each.key}"]
        content {
          dynamic "service" {
            for_each = each.value
            content {
              name = "${each.key}-${service.key}-${service.value}"
            }
          }
        }
      }
    }
    """
    assert [one.service for one in declared(folder, text).services] == ["x-0-p", "x-1-q"]


@pytest.mark.parametrize(
    ("text", "at"),
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
def test_a_json_file_that_is_no_job_is_refused_with_its_place(folder: Path, text: str, at: str) -> None:
    (folder / "a.json").write_text(text)
    error = refusal(folder, files=("*.json",))
    assert isinstance(error, SourceError)
    assert place(error) == f"a.json:{at}"


# --- variables --------------------------------------------------------------------------------------------------------

NAMED = 'variable "n" {{\n  {0}\n}}\njob "j" {{\n  group "g" {{\n    service {{\n      name = {1}\n    }}\n  }}\n}}\n'


def name(folder: Path, body: str, expression: str = '"x-${var.n}"', **more: Any) -> str:
    (service,) = declared(folder, NAMED.format(body, expression), **more).services
    return service.service


def configured(**variables: Any) -> dict[str, Any]:
    return {"variables": variables, "places": dict.fromkeys(variables, PLACE)}


def test_the_configuration_wins_over_var_files_over_the_environment_over_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = 'type = string\n default = "default"'
    (folder / "one.hcl").write_text('n = "one"\n')
    (folder / "two.json").write_text('{"n": "two"}')
    monkeypatch.setenv("NOMAD_VAR_n", "environment")
    assert name(folder, body) == "x-default"
    allowed = {"environment": ("NOMAD_VAR_n",)}
    assert name(folder, body, **allowed) == "x-environment"
    assert name(folder, body, **allowed, var_files=(folder / "one.hcl",)) == "x-one"
    both = {**allowed, "var_files": (folder / "one.hcl", folder / "two.json")}
    assert name(folder, body, **both) == "x-two"
    assert name(folder, body, **both, **configured(n="config")) == "x-config"


@pytest.mark.parametrize(
    ("type_text", "value", "expression", "found"),
    [
        ("string", 1, "var.n", "1"),
        ("number", "12", '"x${var.n + 1}"', "x13"),
        ("list(string)", ["a", "b"], 'join("-", var.n)', "a-b"),
        ("list(string)", '["a", "b"]', 'join("-", var.n)', "a-b"),
        ("map(number)", {"a": 1}, '"x${var.n.a}"', "x1"),
        ("bool", True, 'var.n ? "yes" : "no"', "yes"),
        ("bool", "true", 'var.n ? "yes" : "no"', "yes"),
        ("object({a = number})", {"a": 0.1}, '"x${var.n.a}"', "x0.1"),
    ],
)
def test_a_value_of_the_configuration_is_converted_to_the_variables_type(
    folder: Path, type_text: str, value: Any, expression: str, found: str
) -> None:
    assert name(folder, f"type = {type_text}", expression, **configured(n=value)) == found


@pytest.mark.parametrize(
    ("body", "value", "where"),
    [
        ("type = number", "x", "frostline.yaml:4:5"),
        ("type = list(string)", "[", "frostline.yaml:4:5"),
        ("type = list(string)", {"a": 1}, "frostline.yaml:4:5"),
        ('type = number\n default = "x"', None, "a.nomad.hcl:3:12"),
        ("type = nonsense", None, "a.nomad.hcl:2:10"),
        ("nonsense = 1", None, "a.nomad.hcl:2:3"),
        ("", None, "a.nomad.hcl:1:1"),
    ],
)
def test_a_variable_that_does_not_fit_is_refused_where_it_is_wrong(
    folder: Path, body: str, value: Any, where: str
) -> None:
    more = configured(n=value) if value is not None else {}
    assert place(refusal(folder, NAMED.format(body, "var.n"), **more)) == where


def test_a_variable_that_no_file_declares_is_an_error_of_the_configuration(folder: Path) -> None:
    error = refusal(folder, 'job "j" {}\n', **configured(typo=1))
    assert isinstance(error, UsageError)
    assert place(error) == "frostline.yaml:4:5"


def test_a_variable_may_be_declared_in_one_file_of_several(folder: Path) -> None:
    (folder / "b.nomad.hcl").write_text('job "b" {}\n')
    assert name(folder, "type = string", **configured(n="a")) == "x-a"


def test_a_validation_that_fails_is_said_in_its_own_words(folder: Path) -> None:
    body = 'default = "b"\n validation {\n condition = var.n == "a"\n error_message = "Only a."\n }'
    error = refusal(folder, NAMED.format(body, "var.n"))
    assert "Only a." in error.message
    assert place(error) == "a.nomad.hcl:2:13"


def test_locals_refer_to_each_other_in_any_order_but_not_in_a_circle(folder: Path) -> None:
    text = 'locals {{\n a = "${{local.b}}-a"\n b = {0}\n}}\n'
    text += 'job "j" {{\n group "g" {{\n service {{\n name = local.a\n }}\n }}\n}}\n'
    (service,) = declared(folder, text.format('"b"')).services
    assert service.service == "b-a"
    error = refusal(folder, text.format("local.a"))
    assert "circle" in error.message
    assert place(error) == "a.nomad.hcl:2:2"


def test_no_other_variable_of_the_environment_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOMAD_VAR_n", "environment")
    assert name(folder, 'default = "d"') == "x-d"


# --- files ------------------------------------------------------------------------------------------------------------


def test_functions_of_files_fail_unless_they_are_allowed_and_stay_inside_root(folder: Path) -> None:
    (folder / "name.txt").write_text("from-file")
    inside = NAMED.format("default = 1", 'file("name.txt")')
    assert "filesystem: true" in refusal(folder, inside).message
    (service,) = declared(folder, inside, filesystem=True).services
    assert service.service == "from-file"
    for path in ("../x", "/etc/hostname", "link"):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to("/etc/hostname")
        error = refusal(folder, NAMED.format("default = 1", f'file("{path}")'), filesystem=True)
        assert "outside the root" in error.message


def test_the_inputs_are_all_files_that_are_read(folder: Path) -> None:
    (folder / "name.txt").write_text("from-file")
    (folder / "v.hcl").write_text("n = 1\n")
    (folder / "a.nomad.hcl").write_text(NAMED.format("default = 1", 'file("name.txt")'))
    found = jobspec.inputs(settings(folder, var_files=(folder / "v.hcl",), filesystem=True))
    assert [path.name for path in found] == ["a.nomad.hcl", "name.txt", "v.hcl"]


def test_a_glob_that_fits_nothing_is_a_warning_and_no_file_at_all_an_error(folder: Path) -> None:
    found = declared(folder, 'job "j" {}\n', files=("*.nomad.hcl", "more/*.hcl"))
    assert [(one.rule, one.severity, one.value) for one in found.findings] == [("job-files", "warning", "more/*.hcl")]
    for files in (("more/*.hcl",), ("a.nomad.hcl", "b.nomad.hcl"), ("",), ("**x/*",)):
        assert isinstance(refusal(folder, files=files), UsageError)


def test_a_file_that_is_too_large_or_cannot_be_read_is_refused(folder: Path) -> None:
    for name in ("a.nomad.hcl", "a.json"):
        (folder / name).write_bytes(b" " * (2**20 + 1))
        assert "larger than 1 MiB" in refusal(folder, files=(name,)).message
        (folder / name).unlink()
    (folder / "v.hcl").mkdir()
    assert "cannot be read" in refusal(folder, 'job "j" {}\n', var_files=(folder / "v.hcl",)).message


ALIASES = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 6)}]\n" for a, b in pairwise("abcdefgh"))


@pytest.mark.parametrize(
    "expression",
    [
        "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]",
        'join("", [for a in range(1000) : join("", [for b in range(1000) : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"])])',
        'format("%1000000000d", 1)',
        'indent(1000000000, "a\\nb")',
        "setproduct(range(1000), range(1000), range(1000))",
        'replace(join("", [for a in range(1000) : "aaaaaaaaaa"]), "a", join("", [for a in range(1000) : "bb"]))',
        'regex_replace("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a+)+$", "x")',
        "pow(10, 300) * pow(10, 300)",
        "yamldecode(" + json.dumps(ALIASES) + ")",
    ],
    ids=lambda text: text[:20],
)
def test_a_bomb_is_refused_or_harmless(folder: Path, expression: str) -> None:
    text = f'job "j" {{\n  meta {{\n    x = jsonencode({expression})\n  }}\n}}\n'
    try:
        declared(folder, text)
    except SourceError as error:
        assert place(error).startswith("a.nomad.hcl:3:")
