"""samples/fleet on real agents: each datacenter frozen by the agent beside it, the locks merged where none is asked.

With FROSTLINE_WRITE_GOLDEN set the sample's locks and outputs are written anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from consul_agent import ConsulAgent
from processes import start_on_free_ports

from frostline.model import Declaration
from frostline.pipeline.load.config import load_config
from frostline.sources.jobspec import source as jobspec
from frostline.sources.jobspec.settings import JobspecSettings

SAMPLE = Path(__file__).parents[2] / "samples" / "fleet"
WRITTEN = ("locks", "registry", "app", "puppet", "frostline.manifest")
DATACENTERS = ("ams", "fra", "nyc")
# Service -> datacenter -> on how many nodes.
FLEET = {
    "payments-v1": {"ams": 3, "fra": 2, "nyc": 2},
    "payments-v2": {"ams": 3},
    "basket-v1": {"ams": 2, "fra": 2, "nyc": 2},
    "search": {"fra": 2, "nyc": 1},
    "ledger-v3": {"nyc": 1},
}

Run = Callable[..., subprocess.CompletedProcess[str]]


def fill(agent: ConsulAgent) -> None:
    """The fleet's services of this agent's datacenter."""
    site = DATACENTERS.index(agent.datacenter) + 1
    for port, (service, places) in enumerate(sorted(FLEET.items()), 8000):
        for number in range(places.get(agent.datacenter, 0)):
            node, address = f"{agent.datacenter}-{number + 1}", f"10.{site}.0.{number + 1}"
            meta = {"owner": service.partition("-")[0], "build": "4711"}
            agent.catalog_register(node, service, node_address=address, address=address, port=port, meta=meta)


@pytest.fixture(scope="module")
def agents(consul_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ConsulAgent]]:
    """A Consul of its own in each datacenter; none knows another."""
    with ExitStack() as ends:
        started: dict[str, ConsulAgent] = {}
        for name in DATACENTERS:
            folder = tmp_path_factory.mktemp(name)
            started[name] = start_on_free_ports(
                lambda at=folder, dc=name: ConsulAgent(consul_binary, at, datacenter=dc)
            )
            ends.callback(started[name].stop)
            fill(started[name])
        yield started


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """The sample without what was frozen and published."""
    folder = tmp_path / "fleet"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(*WRITTEN, "__pycache__"))
    return folder


def freeze(run: Run, folder: Path, agent: ConsulAgent, name: str | None = None) -> None:
    out = f"parts/{name or agent.datacenter}.lock"
    command = ("freeze", "--source", "mesh", "--datacenter", agent.datacenter, "--out", out)
    done = run(*command, cwd=folder, env={"CONSUL_HTTP_ADDR": agent.address})
    assert done.returncode == 0, done.stderr


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for name in WRITTEN for path in [folder / name, *sorted((folder / name).rglob("*"))])
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.is_file()}


def test_locks_of_real_agents_merge_to_the_committed_sample(
    run_frostline: Run, fleet: Path, agents: dict[str, ConsulAgent]
) -> None:
    for agent in agents.values():
        freeze(run_frostline, fleet, agent)
    merged = run_frostline("compile", "--lock", "parts/*.lock", cwd=fleet)
    assert merged.returncode == 0, merged.stderr
    if "FROSTLINE_WRITE_GOLDEN" in os.environ:
        for name, content in files_of(fleet).items():
            (SAMPLE / name).parent.mkdir(parents=True, exist_ok=True)
            (SAMPLE / name).write_bytes(content)
    assert files_of(fleet) == {name: content for name, content in files_of(SAMPLE).items() if "__pycache__" not in name}
    assert sorted(path.name for path in (fleet / "locks").iterdir()) == [
        f"mesh.{dc}.default.lock" for dc in DATACENTERS
    ]
    checked = run_frostline("check", cwd=fleet)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_what_the_jobs_bring_is_told_apart(run_frostline: Run, fleet: Path, agents: dict[str, ConsulAgent]) -> None:
    for agent in agents.values():
        freeze(run_frostline, fleet, agent)
    assert run_frostline("compile", "--lock", "parts/*.lock", cwd=fleet).returncode == 0
    published = files_of(fleet)
    (fleet / "parts" / "nyc.lock").rename(fleet / "parts" / "nyc.gone")
    missing = run_frostline("compile", "--lock", "parts/*.lock", cwd=fleet)
    assert (missing.returncode, "datacenter `nyc`" in missing.stderr) == (3, True)
    (fleet / "parts" / "nyc.gone").rename(fleet / "parts" / "nyc.lock")
    freeze(run_frostline, fleet, agents["fra"], "again")
    twice = run_frostline("compile", "--lock", "parts/*.lock", cwd=fleet)
    assert (twice.returncode, "is in two locks" in twice.stderr) == (2, True)
    (fleet / "parts" / "again.lock").unlink()
    config = fleet / "frostline.yaml"
    config.write_text(config.read_text().replace("meta: [owner, scheme]", "meta: [owner]"))
    other = run_frostline("compile", "--lock", "parts/*.lock", cwd=fleet)
    assert (other.returncode, "settings of source `mesh` have changed" in other.stderr) == (2, True)
    assert files_of(fleet) == published


def test_the_workflow_freezes_each_datacenter_and_merges_what_came(
    run_frostline: Run, fleet: Path, agents: dict[str, ConsulAgent]
) -> None:
    jobs = yaml.safe_load((SAMPLE / "ci" / "registry.yml").read_text())["jobs"]
    assert jobs["freeze"]["strategy"]["matrix"]["datacenter"] == list(DATACENTERS)
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    for name, agent in agents.items():
        for command in commands["freeze"]:
            assert run_command(run_frostline, command.replace("$DATACENTER", name), fleet, agent) == 0
    merging = jobs["merge"]["steps"][-1]["with"]
    assert merging["run"] == "freeze"
    for command in (("plan", "--lock", merging["lock"], "--out", "plan.json"), ("compile", "--plan", "plan.json")):
        assert run_frostline(*command, cwd=fleet).returncode in (0, 1)
    assert files_of(fleet)["locks/mesh.ams.default.lock"]


def run_command(run: Run, command: str, folder: Path, agent: ConsulAgent | None = None) -> int:
    words = [word.strip("\"'") for word in command.split()]
    assert words[0] == "frostline"
    return run(*words[1:], cwd=folder, env={"CONSUL_HTTP_ADDR": agent.address} if agent else {}).returncode


def test_the_nomad_job_is_one_and_freezes_with_the_same_words(tmp_path: Path) -> None:
    text = (SAMPLE / "freeze.nomad.hcl").read_text()
    assert 'frostline freeze --source mesh --datacenter "$DATACENTER" --out "parts/$DATACENTER.lock"' in text
    (tmp_path / "freeze.nomad.hcl").write_text(text)
    source = {"type": "jobspec", "files": ["*.nomad.hcl"], "variables": {"datacenter": "ams"}}
    outputs = [{"type": "yaml", "path": "services.yaml"}]
    (tmp_path / "frostline.yaml").write_text(
        json.dumps({"version": 1, "sources": {"jobs": source}, "outputs": outputs})
    )
    settings = load_config(tmp_path / "frostline.yaml").sources["jobs"]
    assert isinstance(settings, JobspecSettings)
    assert jobspec.declare(settings) == Declaration()
