"""`frostline-ci drift`: one issue that is open while the sources differ from the lock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ci_jobs import Jobs, plain_environment
from consul_agent import ConsulAgent
from faulty_proxy import FaultyProxy
from project import Run, consul_config

pytestmark = pytest.mark.oldest_consul("what is read is not what this is about")

only_github = pytest.mark.parametrize("kind", ["github"], indirect=True)


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def jobs(shop_jobs: Jobs) -> Jobs:
    return shop_jobs


def test_drift_opens_one_issue_and_closes_it_when_it_is_gone(jobs: Jobs, shop: ConsulAgent) -> None:
    def drift(status: int) -> None:
        ended = jobs.job("drift")
        assert ended.returncode == status, ended.stderr

    drift(0)
    assert jobs.host.issues == []
    for name in ("basket-v2", "basket-v3"):
        shop.catalog_register("n1", name, address="10.0.0.1", port=8081)
        drift(1)
        (issue,) = jobs.host.issues
        assert issue.state == "open"
        assert issue.text.startswith("<!-- frostline drift frostline.yaml -->\n")
    assert "basket" in issue.text
    assert issue.more["labels"] == ["frostline"]
    for name in ("basket-v2", "basket-v3"):
        shop.catalog_deregister("n1", name)
    drift(0)
    assert issue.state == "closed"
    drift(0)
    assert len(jobs.host.comments) == 1


def test_an_issue_of_somebody_else_is_left_alone_whatever_it_begins_with(jobs: Jobs, shop: ConsulAgent) -> None:
    theirs = jobs.host.open_issue("mine", "<!-- frostline drift frostline.yaml -->\nmine", ["frostline"])
    assert jobs.job("drift").returncode == 0
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    assert jobs.job("drift").returncode == 1
    assert (theirs.title, theirs.text.split("\n")[1], theirs.state) == ("mine", "mine", "open")
    assert len(jobs.host.issues) == 2


@only_github
def test_drift_says_nothing_where_the_sources_cannot_be_read(
    jobs: Jobs, shop: ConsulAgent, proxied: Callable[..., FaultyProxy]
) -> None:
    proxy = proxied(shop)
    jobs.project.configure(consul_config(proxy.address)).done("compile")
    jobs.push("through a proxy")
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    assert jobs.job("drift").returncode == 1
    text = jobs.host.issues[0].text
    proxy.fault = lambda path, token: (500, "no leader")
    assert jobs.job("drift").returncode == 3
    assert (jobs.host.issues[0].state, jobs.host.issues[0].text) == ("open", text)


def test_elsewhere_than_on_a_host_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "frostline.ci", "drift"]
    ended = subprocess.run(command, cwd=tmp_path, env=plain_environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "error: this is not a job of GitHub Actions or GitLab CI\n  help: elsewhere use" in ended.stderr
