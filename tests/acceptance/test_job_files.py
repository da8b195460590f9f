"""Job files through the command: outputs, consumers, guards, policies, exit statuses."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from blacksmith.sd._sync.adapters.nomad import SyncNomadDiscovery
from project import Project

SHOP = """
job "shop" {
  group "web" {
    service {
      name = "shop-v2"
      port = "8080"
      connect {
        sidecar_service {
          proxy {
            upstreams {
              destination_name = "count-api-v1"
              local_bind_port  = 9101
            }
            upstreams {
              destination_name = "search"
              local_bind_port  = 9102
            }
          }
        }
      }
    }
  }
  group "jobs" {
    service {
      connect {
        sidecar_service {
          proxy {
            upstreams {
              destination_name = "count-api-v1"
              local_bind_port  = 7000
            }
          }
        }
      }
    }
  }
}
"""
STATIC = {"type": "static", "services": {"count-api": {"v1": "http://10.0.0.1:80/v1"}, "search": "http://10.0.0.2"}}


def config(**more: Any) -> dict[str, Any]:
    sources = {"jobs": {"type": "jobspec", "files": ["jobs/*.hcl"]}, "partners": STATIC}
    outputs = [
        {"type": "yaml", "path": "services.json", "format": "json"},
        {"type": "python", "path": "web/registry.py", "consumer": "shop/web"},
    ]
    return {"version": 1, "sources": sources, "precedence": ["partners", "jobs"], "outputs": outputs, **more}


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("jobs/shop.hcl", SHOP)
    return project.configure(config())


def variables(upstreams: list[dict[str, Any]], group: str) -> dict[str, str]:
    """What Nomad would put into the environment of this group's tasks."""
    return {
        name: f"127.0.0.1:{one['bind']['port']}"
        for one in upstreams
        if one["consumer"]["group"] == group
        for name in one["env"]
    }


def endpoints(path: Path) -> dict[tuple[str, str | None], str]:
    return dict(runpy.run_path(str(path))["ENDPOINTS"])


def test_an_output_for_a_consumer_is_what_blacksmith_finds_in_nomads_variables(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.done("compile")
    registry = json.loads(shop.read("services.json"))
    found = variables(registry["upstreams"], "web")
    assert found == {
        "NOMAD_UPSTREAM_ADDR_count-api-v1": "127.0.0.1:9101",
        "NOMAD_UPSTREAM_ADDR_count_api_v1": "127.0.0.1:9101",
        "NOMAD_UPSTREAM_ADDR_search": "127.0.0.1:9102",
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    ours = endpoints(shop.folder / "web" / "registry.py")
    live = SyncNomadDiscovery()
    assert ours["count_api", "v1"] == live.get_endpoint("count_api", "v1") == "http://127.0.0.1:9101/v1"
    assert ours["search", None] == live.get_endpoint("search") == "http://127.0.0.1:9102"
    dashed = SyncNomadDiscovery(service_env_fmt="NOMAD_UPSTREAM_ADDR_{service}-{version}")
    assert ours["count-api", "v1"] == dashed.get_endpoint("count-api", "v1")


def test_every_output_but_the_consumers_has_what_others_serve(shop: Project) -> None:
    shop.done("compile")
    registry = json.loads(shop.read("services.json"))
    assert registry["services"]["count-api"]["v1"]["url"] == "http://10.0.0.1:80/v1"
    declared = {"url": None, "endpoints": [], "declared": True, "tags": [], "meta": {}, "port": 8080}
    assert registry["services"]["shop"]["v2"] == declared
    assert [one["consumer"]["group"] for one in registry["upstreams"]] == ["jobs", "web", "web"]


def test_two_consumers_of_one_destination_have_their_own_binds(shop: Project) -> None:
    outputs = [{"type": "python", "path": f"{group}.py", "consumer": f"shop/{group}"} for group in ("web", "jobs")]
    shop.configure(config(outputs=outputs)).done("compile")
    found = [endpoints(shop.folder / name)["count-api", "v1"] for name in ("web.py", "jobs.py")]
    assert found == ["http://127.0.0.1:9101/v1", "http://127.0.0.1:7000/v1"]


def test_a_consumer_that_nobody_knows_is_refused_with_the_closest(shop: Project) -> None:
    shop.configure(config(outputs=[{"type": "python", "path": "r.py", "consumer": "shop/wep"}]))
    refused = shop.refused(4, "compile")
    assert "did you mean `shop/web`?" in refused.stderr


def test_the_policy_finds_an_upstream_that_nobody_serves_with_the_line_of_the_job_file(shop: Project) -> None:
    sources = {"jobs": {"type": "jobspec", "files": ["jobs/*.hcl"]}}
    checks = {"policies": {"upstreams": "resolve"}}
    shop.configure(config(sources=sources, precedence=[], checks=checks))
    refused = shop.refused(4, "compile")
    assert "jobs/shop.hcl:10:13: error" in refused.stderr
    assert "`default:shop/web` declares it as an upstream" in refused.stderr
    shop.configure(config(checks=checks)).done("compile")


def test_what_is_an_upstream_never_vanishes_by_itself(shop: Project) -> None:
    shop.done("compile")
    sources = {
        "jobs": {"type": "jobspec", "files": ["jobs/*.hcl"]},
        "partners": {**STATIC, "services": {"a": "http://a"}},
    }
    shop.configure(config(sources=sources))
    refused = shop.refused(4, "compile")
    assert "not registered, but it is an upstream of `default:shop/jobs`, `default:shop/web`" in refused.stderr
    shop.done("compile", "--allow", "deletes")


def test_the_graph_and_explain_say_who_depends_on_whom(shop: Project) -> None:
    assert "default:shop/web\n  -> count-api v1  at http://127.0.0.1:9101/v1\n" in shop.done("graph").stdout
    assert shop.done("graph", "--as", "dot").stdout.startswith("digraph")
    assert shop.done("graph", "--as", "mermaid").stdout.startswith("flowchart")
    assert len(json.loads(shop.done("graph", "--format", "json").stdout)["upstreams"]) == 3
    explained = shop.done("explain", "count-api", "v1", "--offline").stdout
    assert "  < default:shop/web depends on it, jobs/shop.hcl:10:13\n" in explained
    dependents = json.loads(shop.done("explain", "search", "--offline", "--format", "json").stdout)
    assert dependents["explained"][0]["dependents"][0]["consumer"] == "default:shop/web"


def test_a_broken_job_file_is_3_with_its_place_and_nothing_is_written(shop: Project) -> None:
    shop.done("compile")
    shop.write("jobs/broken.hcl", 'job "x" {\n  datacenters = var.nope\n}\n')
    refused = shop.refused(3, "compile")
    assert "jobs/broken.hcl:2:20: error: source jobs:" in refused.stderr
    for command in ("plan", "check", "list", "graph", "sources"):
        assert shop.run(command).returncode == 3


def test_a_runtime_tag_is_a_warning_and_a_runtime_name_an_error(shop: Project) -> None:
    shop.write("jobs/more.hcl", 'job "more" {\n group "g" {\n  service {\n   tags = ["${node.class}"]\n  }\n }\n}\n')
    assert "jobs/more.hcl:4:11: warning" in shop.done("compile").stderr
    shop.write("jobs/more.hcl", 'job "more" {\n group "g" {\n  service {\n   name = "${node.class}"\n  }\n }\n}\n')
    assert "jobs/more.hcl:4:11: error" in shop.refused(4, "compile").stderr


def test_hostile_names_in_job_files_stay_names(shop: Project) -> None:
    name = "\\u001b[31m::error::<b>%{x}${NOMAD_JOB_NAME}"
    shop.write(
        "jobs/more.hcl",
        f'job "m" {{\n group "g" {{\n  service {{\n   name = "{name.replace("%{", "%%{")}"\n  }}\n }}\n}}\n',
    )
    assert "\x1b" not in shop.refused(4, "compile").stderr
    waiver = {"rule": "name-unregistrable", "until": "2999-12-31", "why": "hostile"}
    shop.configure(config(checks={"waivers": [waiver]})).done("compile")
    for command in (["graph"], ["list"], ["graph", "--as", "dot"], ["explain", "x", "--offline"]):
        assert "\x1b" not in shop.run(*command).stdout


DB = """
job "db" {
  group "g" {
    network {
      port "db" {
        static = 5432
      }
    }
    service {
      name = "db-v1"
      port = "db"
      tags = ["sql"]
    }
    service {
      name = "count-api-v1"
      port = "db"
    }
  }
}
"""


def test_the_sources_address_serves_where_no_other_source_does(project: Project) -> None:
    project.write("jobs/db.hcl", DB)
    jobs = {"type": "jobspec", "files": ["jobs/*.hcl"], "address": "{name}.service.consul"}
    outputs = [{"type": "yaml", "path": "services.json", "format": "json"}]
    project.configure({"version": 1, "sources": {"jobs": jobs, "partners": STATIC}, "outputs": outputs})
    project.done("compile")
    services = json.loads(project.read("services.json"))["services"]
    (endpoint,) = services["db"]["v1"]["endpoints"]
    assert (endpoint["url"], endpoint["tags"]) == ("http://db-v1.service.consul:5432/v1", ["sql"])
    assert services["count-api"]["v1"]["url"] == "http://10.0.0.1:80/v1"  # without an entry of `precedence`


def test_keys_of_the_source_that_cannot_be_are_refused_at_their_place(project: Project) -> None:
    project.write("jobs/db.hcl", DB)
    for key, value, message in (
        ("address", "{host}.consul", "`address` has no placeholder `{host}`"),
        ("address", "{name", "`address` is not a pattern"),
        ("working_directory", "..", "`working_directory` is outside of root"),
        ("partial", "yes", "`partial`"),
    ):
        jobs = {"type": "jobspec", "files": ["jobs/*.hcl"], key: value}
        outputs = [{"type": "yaml", "path": "services.json", "format": "json"}]
        refused = project.configure({"version": 1, "sources": {"jobs": jobs}, "outputs": outputs}).refused(2, "compile")
        assert message in refused.stderr
        assert "frostline.yaml:" in refused.stderr


def test_a_partial_source_publishes_what_it_can_read(shop: Project) -> None:
    shop.write("jobs/broken.hcl", 'job "x" {\n  datacenters = var.nope\n}\n')
    jobs = {"type": "jobspec", "files": ["jobs/*.hcl"], "partial": True}
    done = shop.configure(config(sources={"jobs": jobs, "partners": STATIC})).done("compile")
    assert "jobs/broken.hcl:2:20: warning[job-file-skipped]" in done.stderr
    assert json.loads(shop.read("services.json"))["services"]["shop"]["v2"]["declared"] is True
