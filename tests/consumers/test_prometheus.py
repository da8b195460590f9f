"""The template `prometheus`: what the real promtool and a real Prometheus make of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from catalog import HOSTILE, freeze_catalog, odd_instances, server_of
from loopback import LoopbackServer, read_json
from processes import Server, free_port
from project import Project

from frostline.model import Instance

PROMETHEUS = {"type": "template", "builtin": "prometheus", "path": "services.json"}

# Written for consul_sd_configs.
RELABEL = """
  - {source_labels: [__meta_consul_tags], regex: ".*,api,.*", target_label: api, replacement: "yes"}
  - {source_labels: [__meta_consul_service], target_label: job}
  - {regex: __meta_consul_service_metadata_(.+), action: labelmap}
"""
CONFIG = """
global: {{scrape_interval: 1h}}
scrape_configs:
- job_name: frozen
  file_sd_configs: [{{files: [{file}]}}]
  relabel_configs:{relabel}
"""


def configuration(project: Project, folder: Path, relabel: str = RELABEL) -> Path:
    path = folder / "prometheus.yml"
    path.write_text(CONFIG.format(file=json.dumps(str(project.folder / "services.json")), relabel=relabel))
    return path


def test_relabel_rules_of_consul_sd_run_unchanged(
    compiled: Callable[..., Project],
    servers: tuple[LoopbackServer, ...],
    program: Callable[[str], str],
    tmp_path: Path,
) -> None:
    config = configuration(compiled(PROMETHEUS), tmp_path)
    command = [program("promtool"), "check", "service-discovery", "--timeout=1s", str(config), "frozen"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    by_service: dict[str, list[dict[str, Any]]] = {}
    for target in found:
        by_service.setdefault(target["discoveredLabels"]["__meta_consul_service"], []).append(target)
    for name in HOSTILE:
        (target,) = by_service[name]
        server = server_of(name, servers)
        assert target["labels"] == {
            "job": "frozen" if "\n" in name else name,  # the `.` of a rule's default `(.*)` matches no newline
            "owner": name,
            "instance": server.name,
            "__address__": server.name,
            "__metrics_path__": "/metrics",
            "__scheme__": "http",
            "__scrape_interval__": "1h",
            "__scrape_timeout__": "10s",
        }
        discovered = target["discoveredLabels"]
        assert discovered["__meta_consul_tags"] == f",{name},web,"
        assert discovered["__meta_consul_service_id"] == name
        assert discovered["__meta_consul_service_port"] == str(server.port)
        assert (discovered["__meta_consul_dc"], discovered["__meta_consul_node"]) == ("dc1", "n1")
    assert len(by_service["many"]) == 1000
    assert sorted(target["discoveredLabels"]["__meta_consul_node"] for target in by_service["payments-v1"]) == [
        "n1",
        "n2",
    ]
    assert {target["labels"]["api"] for target in by_service["payments-v1"]} == {"yes"}
    assert {target["labels"]["tier"] for target in by_service["payments-v1"]} == {"a", "b"}
    (ledger,) = by_service["ledger"]
    assert ledger["labels"]["__address__"] == servers[-1].name
    assert ledger["discoveredLabels"]["__meta_consul_tags"] == ",,"
    assert "empty-v1" not in by_service


def test_keys_of_meta_become_names_of_labels(
    compiled: Callable[..., Project], program: Callable[[str], str], tmp_path: Path
) -> None:
    meta = {"a-b": "1", "0": "2", "__x": "3", "A_B": "4"}
    instance = Instance(service="shop", node="n1", id="s", address="10.0.0.1", port=80, meta=meta)
    compiled(PROMETHEUS, instances=(instance,))
    (target,) = json.loads((tmp_path / "project" / "services.json").read_text())
    labels = {name: value for name, value in target["labels"].items() if "metadata" in name}
    start = "__meta_consul_service_metadata_"
    assert labels == {f"{start}a_b": "1", f"{start}0": "2", f"{start}__x": "3", f"{start}A_B": "4"}


def test_keys_of_meta_that_become_one_label_are_refused(project: Project) -> None:
    instance = Instance(service="shop", node="n1", id="s", address="10.0.0.1", port=80, meta={"a-b": "1", "a_b": "2"})
    freeze_catalog(project.folder, [PROMETHEUS], [instance])
    done = project.refused(4, "compile", "--offline")
    assert "error[name-collision]" in done.stderr


@pytest.mark.more_readers
def test_a_running_prometheus_has_these_targets(
    compiled: Callable[..., Project],
    servers: tuple[LoopbackServer, ...],
    program: Callable[[str], str],
    started: Callable[..., Server],
    tmp_path: Path,
) -> None:
    instances = [one for one in odd_instances(servers) if one.service != "many"]
    project = compiled(PROMETHEUS, instances=tuple(instances))
    config = configuration(project, tmp_path, '\n  - {target_label: __metrics_path__, replacement: "/x"}' + RELABEL)
    address = f"127.0.0.1:{free_port()}"
    command = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    targets: list[dict[str, Any]] = []

    def has_targets() -> bool:
        targets[:] = read_json(f"http://{address}/api/v1/targets?state=active")["data"]["activeTargets"]
        return bool(targets)

    started([*command, f"--web.listen-address={address}"], has_targets)
    urls = {target["discoveredLabels"]["__meta_consul_service"]: target["scrapeUrl"] for target in targets}
    assert {name: urls[name] for name in (*HOSTILE, "ledger")} == {
        name: f"http://{server.name}/x"
        for name, server in (*((name, server_of(name, servers)) for name in HOSTILE), ("ledger", servers[-1]))
    }
