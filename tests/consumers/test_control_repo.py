"""The sample of a control repository in real Puppets, and a module that a registry's CI pushes to a branch."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import path_of

SAMPLE = Path(__file__).parents[2] / "samples" / "control-repo"
VERSIONS = ("puppet", "puppet-8")
pytestmark = pytest.mark.more_readers

Run = Callable[..., subprocess.CompletedProcess[str]]


def done(command: list[str], cwd: Path, **environment: str) -> str:
    """What the command prints; it ends with 0."""
    alone = {"HOME": str(cwd), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null"}
    run = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **alone, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The sample as an environment whose nodes are in `ams`, and whose files lie in tmp_path/etc."""
    folder = tmp_path / "environments" / "shop"
    shutil.copytree(SAMPLE, folder)
    (folder / "data" / "common.yaml").write_text(f"profile::base::folder: {tmp_path / 'etc'}\n")
    facts = tmp_path / "var" / "client_yaml" / "facts"
    facts.mkdir(parents=True)
    (facts / "host.example.yaml").write_text(
        "--- !ruby/object:Puppet::Node::Facts\nname: host.example\nvalues:\n  datacenter: ams\n"
    )
    return folder


def puppet_options(tmp_path: Path) -> list[str]:
    folders = {"confdir": "conf", "codedir": "code", "vardir": "var", "logdir": "log", "rundir": "run"}
    return [
        *(f"--{name}={tmp_path / folder}" for name, folder in folders.items()),
        *("--environmentpath", str(tmp_path / "environments"), "--environment", "shop"),
        *("--certname", "host.example", "--color=false", "--strict=error", "--strict_variables"),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_moved_endpoint_changes_its_file_and_reloads_who_reads_it(
    version: str, environment: Path, tmp_path: Path, run_frostline: Run
) -> None:
    puppet = path_of(version)
    apply = [puppet, "apply", *puppet_options(tmp_path), "--facts_terminus=yaml", "manifests/site.pp"]
    done(apply, environment)
    made = tmp_path / "etc"
    assert (made / "checkout.conf").read_text() == (
        "payments = http://10.1.0.2:8080/v1\nfallback = 10.1.0.1 10.1.0.2 10.2.0.1\n"
    )
    assert (made / "mail.conf").read_text() == "smtp = 10.1.0.25:25\n"
    assert (made / "reloads").read_text() == "reloaded\n"

    lock = environment / "frostline.lock"
    lock.write_text(lock.read_text().replace('"10.1.0.2"', '"10.1.0.7"'))
    compiled = run_frostline("compile", "--offline", cwd=environment)
    assert compiled.returncode == 0, compiled.stderr
    printed = done(apply, environment)
    assert "fallback = 10.1.0.1 10.1.0.7 10.2.0.1\n" in (made / "checkout.conf").read_text()
    assert (made / "reloads").read_text() == "reloaded\nreloaded\n"
    assert "mail.conf" not in printed


@pytest.mark.more_readers
@pytest.mark.parametrize("version", ["puppet", "puppet-8"])
def test_a_lookup_explains_where_a_value_comes_from(version: str, environment: Path, tmp_path: Path) -> None:
    facts = tmp_path / "facts.yaml"
    facts.write_text("datacenter: ams\n")
    options = [*puppet_options(tmp_path), "--facts", str(facts), "--explain"]
    explained = done([path_of(version), "lookup", *options, "frostline::service::payments"], environment)
    assert "site/frostline/data/datacenter/ams.json" in explained
    assert 'Found key: "frostline::service::payments"' in explained


def test_a_registrys_ci_pushes_its_module_to_a_branch_that_a_puppetfile_pins(
    tmp_path: Path, run_frostline: Run
) -> None:
    remote, work = tmp_path / "registry.git", tmp_path / "registry"
    done(["git", "init", "--quiet", "--bare", str(remote)], tmp_path)
    shutil.copytree(SAMPLE, work)
    git = ["git", "-c", "user.name=ci", "-c", "user.email=ci@registry.example"]
    who = {
        f"GIT_{role}_{what}": "ci@registry.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done(["git", "init", "--quiet"], work)
    done(["git", "remote", "add", "origin", str(remote)], work)

    def pushed() -> str:
        done([*git, "add", "-A"], work)
        done([*git, "commit", "--quiet", "--allow-empty", "-m", "Freeze the registry"], work)
        return done(["ci/push-module.sh", "site/frostline", "module"], work, **who)

    assert pushed() == "pushed site/frostline to module\n"
    assert pushed() == "module is up to date\n"
    lock = work / "frostline.lock"
    lock.write_text(lock.read_text().replace('"10.1.0.2"', '"10.1.0.7"'))
    assert run_frostline("compile", "--offline", cwd=work).returncode == 0
    assert pushed() == "pushed site/frostline to module\n"

    # What a Puppetfile's `mod 'frostline', git: …, branch: 'module'` puts into modules/frostline.
    module = tmp_path / "modules" / "frostline"
    done(["git", "clone", "--quiet", "--branch", "module", str(remote), str(module)], tmp_path)
    assert done(["git", "rev-list", "--count", "HEAD"], module) == "2\n"
    shutil.rmtree(module / ".git")
    frozen = work / "site" / "frostline"
    assert files_of(module) == files_of(frozen)
    assert b"10.1.0.7" in files_of(module)["data/common.json"]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
