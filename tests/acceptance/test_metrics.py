"""`--metrics`: the file that a run leaves for node_exporter, judged by the real promtool."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from consul_agent import ConsulAgent
from programs import path_of
from project import STATIC, Project, consul_config

from frostline.pipeline.run_metrics import METRICS
from frostline.reporters.exposition import samples_in

ROOT = Path(__file__).parents[2]
FILE = "run.prom"


def checked(path: Path) -> dict[str, dict[tuple[str, ...], float]]:
    """Metric -> labels but `command` and `config` -> value, of a file that promtool has nothing to say about."""
    text = path.read_text(encoding="utf-8")
    done = subprocess.run([path_of("promtool"), "check", "metrics"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for one in samples_in(text):
        found.setdefault(one.name.removeprefix("frostline_"), {})[tuple(value for _, value in one.labels[2:])] = (
            one.value
        )
    return found


@pytest.fixture
def place(project: Project) -> Path:
    """A file of metrics beside the folder of the configuration."""
    return project.folder.parent / FILE


SEGMENT = ("mesh", "dc1", "")
KEPT = ("success_timestamp_seconds", "segment_confirmed_timestamp_seconds", "publication_timestamp_seconds", "services")


def test_a_run_tells_what_it_found_and_a_failed_one_keeps_what_was_known(
    shop: ConsulAgent, project: Project, place: Path
) -> None:
    config = consul_config(shop.address)
    project.configure(config).done("compile", "--metrics", place)
    first = checked(place)
    assert first["run_exit_status"] == {(): 0}
    assert first["services"] == {(): 3}
    assert first["endpoints"][()] >= 3
    assert first["read_tries"] == {SEGMENT[:2]: 1}
    (confirmed,) = first["segment_confirmed_timestamp_seconds"].values()
    assert 0 <= first["run_timestamp_seconds"][()] - confirmed < 60
    assert first["success_timestamp_seconds"] == first["run_timestamp_seconds"]
    assert 'command="compile",config="' + str(project.folder / "frostline.yaml") in place.read_text()

    def fails(status: int, config: Mapping[str, Any] | str) -> dict[str, dict[tuple[str, ...], float]]:
        project.configure(config)
        assert project.run("compile", "--metrics", place).returncode == status
        now = checked(place)
        assert now["run_exit_status"] == {(): status}
        assert {name: now.get(name) for name in KEPT} == {name: first.get(name) for name in KEPT}
        assert now["run_timestamp_seconds"][()] > first["run_timestamp_seconds"][()]
        return now

    fails(2, "version: 7")
    fails(3, consul_config("http://127.0.0.1:1"))
    refused = fails(4, config | {"checks": {"policies": {"required": ["gone/v1"]}}})
    assert sum(refused["refusals"].values()) == 1
    (project.folder / "services.yaml").unlink()
    (project.folder / "services.yaml").mkdir()
    fails(5, config)


def test_freeze_and_check_tell_of_the_lock(shop: ConsulAgent, project: Project, place: Path) -> None:
    project.configure(consul_config(shop.address, confirmed="frostline.confirmed"))
    project.done("freeze", "--metrics", place)
    frozen = checked(place)
    assert "services" not in frozen
    confirmed = frozen["segment_confirmed_timestamp_seconds"]
    assert len(confirmed) == 1
    assert project.run("check", "--metrics", place).returncode == 1
    looked = checked(place)
    assert looked["run_exit_status"] == {(): 1}
    assert looked["segment_confirmed_timestamp_seconds"] == confirmed
    assert "success_timestamp_seconds" not in looked  # that was of another command
    project.done("freeze", "--out", "dc1.lock", "--metrics", place)
    assert checked(place)["segment_confirmed_timestamp_seconds"].keys() == confirmed.keys()


def test_a_freeze_that_is_refused_confirms_nothing(shop: ConsulAgent, project: Project, place: Path) -> None:
    project.configure(consul_config(shop.address)).done("freeze", "--metrics", place)
    kept = "segment_confirmed_timestamp_seconds"
    place.write_text(re.sub(rf"(?m)^(frostline_{kept}.*) .*$", r"\1 7", place.read_text()))
    shop.catalog_deregister("n1", "search")
    project.configure(consul_config(shop.address) | {"guards": {"delete": "1%", "floor": 0}})
    assert project.run("freeze", "--metrics", place).returncode == 4
    refused = checked(place)
    assert refused["refusals"] == {("guard-delete",): 1}
    assert [*refused[kept].values()] == [7]


def test_warnings_are_counted_by_their_rule_and_gone_when_they_are(project: Project, place: Path) -> None:
    waiver = {"rule": "min_instances", "service": "*", "until": "2026-01-03", "why": "moves"}
    project.configure(STATIC | {"checks": {"policies": {"min_instances": {"default": 2}}, "waivers": [waiver]}})
    project.done("compile", "--today", "2026-01-02", "--metrics", place)
    warned = checked(place)["warnings"]
    assert warned == {("expires-soon",): 1}
    project.done("compile", "--today", "2025-01-02", "--metrics", place)
    assert "warnings" not in checked(place)


def test_a_segment_that_left_the_lock_is_told_no_more(shop: ConsulAgent, project: Project, place: Path) -> None:
    sources = {name: {"type": "consul", "address": shop.address} for name in ("mesh", "other")}
    config = consul_config(shop.address)
    project.configure(config | {"sources": sources}).done("freeze", "--metrics", place)
    assert len(checked(place)["segment_confirmed_timestamp_seconds"]) == 2
    project.configure(config).done("freeze", "--metrics", place)
    assert len(checked(place)["segment_confirmed_timestamp_seconds"]) == 1


def test_a_place_where_no_metrics_can_be_is_refused_before_anything_is_read(project: Project) -> None:
    outputs = [*STATIC["outputs"], {"type": "yaml", "path": "out/x.prom"}, {"type": "hiera", "path": "data"}]
    sources = {"mesh": {"type": "consul", "address": "127.0.0.1:1"}}
    project.configure(STATIC | {"outputs": outputs, "lock": "locks/", "sources": sources})
    folder = project.folder
    project.write("other.prom", "go_goroutines 7\n")
    (folder / "folder.prom").mkdir()
    for name in ("out", "data", "locks"):
        (folder / name).mkdir()
    (folder / "link.prom").symlink_to("new.prom")
    os.mkfifo(folder / "pipe.prom")
    for path, reason in {
        "metrics.txt": "does not end with .prom",
        ".prom": "does not end with .prom",
        "missing/a.prom": "`missing` is not a folder",
        "frostline.yaml/a.prom": "`frostline.yaml` is not a folder",
        "folder.prom": "is a folder",
        "link.prom": "is a symbolic link",
        "pipe.prom": "is not a regular file",
        "other.prom": "does not hold metrics of frostline",
        "out/x.prom": "belongs to an output",
        "out/../out/x.prom": "belongs to an output",
        "data/x.prom": "belongs to an output",
        "locks/x.prom": "is inside the folder of the lock",
    }.items():
        assert reason in project.refused(2, "compile", "--metrics", path).stderr


def test_an_empty_file_is_written_and_a_new_one_can_be_read_by_everybody(project: Project, place: Path) -> None:
    project.configure(STATIC)
    old = os.umask(0o077)
    try:
        project.done("compile", "--metrics", place)
    finally:
        os.umask(old)
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    place.chmod(0o640)
    place.write_bytes(b"")
    project.done("compile", "--metrics", place)
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    checked(place)


@pytest.mark.skipif(not Path("/dev/full").exists() or os.geteuid() != 0, reason="needs root to mount")
def test_a_full_disk_costs_the_metrics_and_not_the_publication(project: Project, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(full)], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (full / "filler").write_bytes(b"x" * 4096)
        done = project.configure(STATIC).run("compile", "--metrics", full / FILE)
        assert done.returncode == 5
        assert "No space left on device" in done.stderr
        assert (project.folder / "services.yaml").exists()
        assert [path.name for path in full.iterdir()] == ["filler"]
    finally:
        subprocess.run(["umount", str(full)], check=True)


def test_two_runs_at_once_leave_a_whole_file(project: Project, place: Path) -> None:
    project.configure(STATIC).done("compile")
    command = [sys.executable, "-m", "frostline", "check", "--metrics", str(place)]
    runs = [subprocess.Popen(command, cwd=project.folder, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [run.wait(60) for run in runs] == [0] * 4
    checked(place)
    assert [path.name for path in place.parent.iterdir() if path.suffix in (".prom", ".tmp")] == [FILE]


def test_the_page_has_each_metric_and_promtool_takes_its_alerts(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(frostline_\w+)`", page, re.MULTILINE) == list(METRICS)
    (rules,) = re.findall(r"^```yml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    path = tmp_path / "rules.yml"
    path.write_text(rules)
    done = subprocess.run([path_of("promtool"), "check", "rules", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "7 rules found" in done.stdout
    assert set(re.findall(r"frostline_\w+", rules)) <= METRICS.keys()


LABELS = '{command="watch",config="/srv/registry/frostline.yaml"}'
SEGMENT_LABELS = LABELS[:-1] + ',source="mesh",datacenter="dc1",namespace="default"}'
SERIES = {
    "a watch that is well": ({f"frostline_run_exit_status{LABELS}": "0x600"}, set()),
    "a refusal": ({f"frostline_run_exit_status{LABELS}": "4x600"}, {"FrostlineRefused"}),
    "a source that cannot be read": ({f"frostline_run_exit_status{LABELS}": "3x600"}, {"FrostlineFails"}),
    "a service that is held": (
        {f'frostline_warnings{LABELS[:-1]},rule="guard-held"}}': "1x600"},
        {"FrostlineHoldsAService"},
    ),
    "a reload that fails": ({f"frostline_exec_failed{LABELS}": "1x600"}, {"FrostlineExecFailed"}),
    "a datacenter that is away": (
        {f"frostline_segment_confirmed_timestamp_seconds{SEGMENT_LABELS}": "0x600"},
        {"FrostlineRegistryTooOld"},
    ),
    "a watch that has ended": ({f"frostline_run_timestamp_seconds{LABELS}": "0x600"}, {"FrostlineSilent"}),
    "a file that is gone": ({f"frostline_run_timestamp_seconds{LABELS}": "_x600"}, {"FrostlineMetricsGone"}),
}


@pytest.mark.parametrize("case", SERIES)
def test_each_alert_of_the_page_fires_for_its_own_trouble_alone(tmp_path: Path, case: str) -> None:
    series, fires = SERIES[case]
    (rules,) = re.findall(r"^```yml\n(.*?)^```", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "rules.yml").write_text(rules)
    well = {f"frostline_run_timestamp_seconds{LABELS}": "0+60x600"} | series
    names = re.findall(r"alert: (\w+)", rules)
    asked = [{"eval_time": "8h", "alertname": name} for name in names]
    inputs = [{"series": name, "values": values} for name, values in well.items()]
    test = {"interval": "1m", "input_series": inputs, "alert_rule_test": asked}
    tests = {"rule_files": ["rules.yml"], "tests": [test]}
    (tmp_path / "tests.yml").write_text(json.dumps(tests))
    words = [path_of("promtool"), "test", "rules", str(tmp_path / "tests.yml")]
    said = subprocess.run(words, capture_output=True, text=True)
    # Each that fires is a failure, for the test of promtool expects none: it names those.
    assert {name for name in names if f"alertname: {name}" in said.stdout + said.stderr} == fires, said
