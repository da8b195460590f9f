"""`frostline-ci freeze` beside people and other jobs: nothing of theirs is lost, and one pull request is left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from ci_freezes import BRANCH, done, frozen, tip
from ci_jobs import Jobs, git
from code_host import Item
from consul_agent import ConsulAgent
from project import Run

pytestmark = pytest.mark.oldest_consul("what is read is not what this is about")


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def jobs(shop_jobs: Jobs) -> Jobs:
    return shop_jobs


only_github = pytest.mark.parametrize("kind", ["github"], indirect=True)


def test_a_pull_request_that_somebody_closed_stays_closed_until_there_is_another_change(
    jobs: Jobs, shop: ConsulAgent
) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    jobs.host.close(jobs.host.pulls[0])
    assert "was closed, and stays closed" in done(jobs)
    assert len(jobs.host.pulls) == 1
    shop.catalog_register("n1", "basket-v3", address="10.0.0.1", port=8082)
    done(jobs)
    assert len(jobs.host.open_pulls()) == 1


@pytest.mark.parametrize("gone", [False, True])
@only_github
def test_somebodys_commit_on_the_branch_is_never_lost(jobs: Jobs, shop: ConsulAgent, gone: bool) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    text = jobs.host.pulls[0].text
    by_hand(jobs)
    theirs = tip(jobs)
    if gone:
        shop.catalog_deregister("n1", "basket-v2")
    else:
        shop.catalog_register("n1", "basket-v3", address="10.0.0.1", port=8082)
    said = done(jobs, status=4)
    assert f"error: the branch `{BRANCH}` ends in a commit of `ann@example.com`" in said
    assert "help: merge or close its pull request and delete the branch" in said
    assert tip(jobs) == theirs
    assert jobs.host.pulls[0].text == text
    assert jobs.host.pulls[0].state == "open"


def by_hand(jobs: Jobs) -> None:
    """Ann commits to the branch and pushes."""
    elsewhere = jobs.folder / "elsewhere"
    git(jobs.folder, "clone", "--quiet", "--branch", BRANCH, str(jobs.host.bare), str(elsewhere))
    (elsewhere / "NOTES").write_text("mine\n")
    git(elsewhere, "add", "NOTES")
    git(elsewhere, "commit", "--quiet", "--message", "mine")
    git(elsewhere, "push", "--quiet")


@only_github
def test_a_pull_request_of_a_fork_of_the_same_owner_is_left_alone(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    theirs = Item(1, "mine", "", branch=BRANCH, base="main", fork={"id": 43})
    jobs.host.pulls.append(theirs)
    done(jobs)
    done(jobs)
    shop.catalog_deregister("n1", "basket-v2")
    done(jobs)
    assert (theirs.title, theirs.state) == ("mine", "open")
    assert [pull.state for pull in jobs.host.pulls] == ["open", "closed"]


@pytest.mark.parametrize("gone", [False, True])
def test_a_job_on_another_branch_leaves_the_pull_request_as_it_is(jobs: Jobs, shop: ConsulAgent, gone: bool) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    first = tip(jobs)
    if gone:
        shop.catalog_deregister("n1", "basket-v2")
    jobs.project.write("README", "of somebody else\n")
    jobs.push("a feature", "feature")
    ended = jobs.job("freeze", revision="feature")
    assert ended.returncode == 4
    assert f"error: the branch `{BRANCH}` has a pull request into `main`, but this job runs on" in ended.stderr
    assert "help: give each branch on which such jobs run a `branch` of its own" in ended.stderr
    assert (tip(jobs), jobs.host.pulls[0].state) == (first, "open")


@only_github
def test_who_pushes_while_a_job_pushes_is_not_overwritten(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    shop.catalog_register("n1", "basket-v3", address="10.0.0.1", port=8082)
    jobs.host.before_push = lambda: by_hand(jobs)
    said = done(jobs, status=5)
    assert f"error: somebody pushed to the branch `{BRANCH}` at the same moment; it stays as they left it" in said
    assert frozen(jobs, "NOTES") == "mine"
    assert "v3" not in jobs.host.pulls[0].text


@only_github
def test_two_jobs_at_once_leave_one_pull_request_that_is_whole(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    (jobs.folder / "second").mkdir()
    both = (jobs, Jobs(jobs.folder / "second", jobs.project, jobs.host, jobs.kind, jobs.warm))
    with ThreadPoolExecutor() as threads:
        ended = list(threads.map(lambda job: job.job("freeze").returncode, both))
    assert 0 in ended
    assert set(ended) <= {0, 5}
    (pull,) = jobs.host.open_pulls()
    assert "basket v2" in pull.text
    assert "basket" in frozen(jobs)
    assert jobs.host.git("rev-list", "--count", f"main..{BRANCH}") == "1"


@only_github
def test_a_change_that_came_to_main_meanwhile_is_in_the_branch(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    first = tip(jobs)
    jobs.project.write("README", "unrelated\n")
    jobs.push("unrelated")
    done(jobs)
    assert tip(jobs) == first
    shop.catalog_register("n1", "basket-v3", address="10.0.0.1", port=8082)
    done(jobs)
    shop.catalog_deregister("n1", "basket-v2")
    jobs.project.done("compile")
    jobs.push("somebody froze by hand")
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    assert jobs.host.git("rev-parse", f"{BRANCH}^") == jobs.host.git("rev-parse", "main")
