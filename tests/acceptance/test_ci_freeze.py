"""`frostline-ci freeze` and `drift`: real git pushes over HTTP to a bare repository; the API is code_host's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ci_freezes import BRANCH, done, frozen, tip
from ci_jobs import Jobs, git
from code_host import READER
from consul_agent import ConsulAgent
from project import Project, Run, consul_config

pytestmark = pytest.mark.oldest_consul("what is read is not what this is about")


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def jobs(shop_jobs: Jobs) -> Jobs:
    return shop_jobs


only_github = pytest.mark.parametrize("kind", ["github"], indirect=True)


def test_a_change_opens_a_pull_request_and_the_next_updates_it(jobs: Jobs, shop: ConsulAgent) -> None:
    assert "Nothing changed." in done(jobs)
    assert jobs.host.pulls == []
    assert tip(jobs) == ""

    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    (pull,) = jobs.host.open_pulls()
    assert (pull.title, pull.more["branch"], pull.more["base"]) == ("Freeze services", BRANCH, "main")
    assert pull.text.startswith("<!-- frostline freeze frostline.yaml -->\n")
    assert "- `+` `basket v2`, 0 → 1 endpoints" in pull.text
    assert "basket" in frozen(jobs)
    assert jobs.host.git("diff", "--name-only", "main", BRANCH).split("\n") == [
        *("frostline.lock", "frostline.manifest", "registry.py", "registry.pyi", "services.yaml"),
    ]
    first = tip(jobs)

    done(jobs)
    assert tip(jobs) == first

    shop.catalog_register("n1", "basket-v3", address="10.0.0.1", port=8082)
    done(jobs)
    assert jobs.host.open_pulls() == [pull]
    assert "`basket v3`" in pull.text
    assert "v3:" in frozen(jobs)
    assert jobs.host.git("rev-list", "--count", f"main..{BRANCH}") == "1"


@only_github
def test_the_pull_request_is_merged_and_the_next_change_opens_another(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    jobs.host.git("update-ref", "refs/heads/main", tip(jobs))
    (merged,) = jobs.host.pulls
    jobs.host.close(merged)
    merged.more["merged_at"] = "2026-01-01T00:00:00Z"
    done(jobs)
    assert tip(jobs) == ""
    shop.catalog_register("n1", "basket-v3", address="10.0.0.1", port=8082)
    done(jobs)
    assert len(jobs.host.pulls) == 2


@only_github
def test_a_change_that_was_merged_and_reverted_is_proposed_again(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    (squashed,) = jobs.host.pulls
    jobs.host.close(squashed)
    squashed.more["merged_at"] = "2026-01-01T00:00:00Z"
    done(jobs)
    assert len(jobs.host.open_pulls()) == 1


@only_github
def test_a_change_of_the_lock_alone_proposes_nothing_unless_it_is_asked_for(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_deregister("n1", "search")
    shop.catalog_register("n3", "search", address="10.0.0.1", port=9200, tags=["api"])
    done(jobs)
    assert jobs.host.pulls == []
    assert tip(jobs) == ""
    done(jobs, env={"FROSTLINE_CI_LOCK_ONLY": "true"})
    assert len(jobs.host.open_pulls()) == 1
    assert jobs.host.git("diff", "--name-only", "main", BRANCH) == "frostline.lock"


@only_github
def test_what_a_guard_refuses_is_in_the_pull_request_with_the_line_that_accepts_it(
    jobs: Jobs, shop: ConsulAgent
) -> None:
    shop.catalog_deregister("n2", "payments-v1")
    shop.catalog_register("n2", "basket-v2", address="10.0.0.1", port=8081)
    jobs.project.configure(consul_config(shop.address, guards={"instances": "10%"}))
    shop.catalog_register("n3", "payments-v1", address="10.0.0.3", port=8080)
    jobs.project.done("compile")
    jobs.push("two endpoints of payments, and a strict guard")
    shop.catalog_register("n1", "basket-v3", address="10.0.0.1", port=8082)
    done(jobs)
    assert "basket v3" in jobs.host.pulls[0].text

    for node in ("n1", "n3"):
        shop.catalog_deregister(node, "payments-v1")
        shop.catalog_register(node, "payments-v1", address="10.0.0.1", port=8080, status="critical")
    done(jobs, status=4)
    (pull,) = jobs.host.open_pulls()
    assert pull.title == "Freeze services: refused"
    assert "error `guard-instances`" in pull.text
    assert '`- {rule: guard-instances, service: "payments"' in pull.text
    assert "`basket v3`" in pull.text
    assert jobs.host.git("diff", "--name-only", "main", BRANCH) == ""
    refused = tip(jobs)
    done(jobs, status=4)
    assert tip(jobs) == refused

    accept = {"rule": "guard-instances", "service": "payments", "until": "2099-01-01", "why": "moves"}
    jobs.project.configure(consul_config(shop.address, guards={"instances": "10%", "accept": [accept]}))
    jobs.project.done("compile", "--offline")
    jobs.push("accepted")
    done(jobs)
    assert jobs.host.open_pulls() == [pull]
    assert pull.title == "Freeze services"
    assert "basket" in frozen(jobs)
    assert "payments" in jobs.host.git("diff", "main", BRANCH, "--", "services.yaml")


def test_the_pull_request_is_closed_when_the_change_is_gone(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    shop.catalog_deregister("n1", "basket-v2")
    assert "is closed" in done(jobs)
    (pull,) = jobs.host.pulls
    assert pull.state == "closed"
    assert [comment.number for comment in jobs.host.comments] == [pull.number]
    assert tip(jobs) == ""
    assert "Nothing changed." in done(jobs)
    assert len(jobs.host.comments) == 1


@only_github
def test_the_time_of_confirmation_alone_is_no_reason_to_push(jobs: Jobs, shop: ConsulAgent) -> None:
    jobs.project.configure({**consul_config(shop.address), "confirmed": "frostline.confirmed"}).done("compile")
    jobs.push("confirmed")
    done(jobs)
    assert jobs.host.pulls == []
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    first = tip(jobs)
    assert frozen(jobs, "frostline.confirmed") != ""
    done(jobs)
    assert tip(jobs) == first


@only_github
def test_the_time_of_confirmation_alone_is_proposed_where_it_is_asked_for(jobs: Jobs, shop: ConsulAgent) -> None:
    jobs.project.configure({**consul_config(shop.address), "confirmed": "frostline.confirmed"}).done("compile")
    (jobs.project.folder / "frostline.confirmed").write_text('{"format":"frostline.confirmed/1"}\n')
    jobs.push("not confirmed")
    done(jobs, env={"FROSTLINE_CI_LOCK_ONLY": "true"})
    assert jobs.host.git("diff", "--name-only", "main", BRANCH) == "frostline.confirmed"
    assert '"source":"mesh"' in frozen(jobs, "frostline.confirmed")


@only_github
def test_what_cannot_be_read_leaves_the_pull_request_as_it_is(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    before = len(jobs.host.requests)
    jobs.project.configure(consul_config("http://127.0.0.1:1"))
    jobs.push("nobody answers there")
    assert "Nothing was written" in done(jobs, status=3)
    assert len(jobs.host.requests) == before


@only_github
def test_locks_from_elsewhere_are_merged_and_are_not_committed(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    jobs.project.done("freeze", "--out", jobs.folder / "dc1.lock")
    done(jobs, env={"FROSTLINE_CI_LOCK": f"{jobs.folder}/*.lock"})
    assert "basket" in frozen(jobs)


@only_github
def test_a_checkout_with_changes_of_somebody_is_refused(jobs: Jobs) -> None:
    clone = jobs.clone("main", 1)
    (clone / "services.yaml").write_text("mine")
    jobs.clone = lambda revision, depth: clone  # type: ignore[method-assign]
    assert "error: the checkout has changes that are not committed: `services.yaml`" in done(jobs, status=2)


@only_github
def test_files_that_an_earlier_job_left_in_the_checkout_are_proposed_too(jobs: Jobs, shop: ConsulAgent) -> None:
    clone = jobs.clone("main", 1)
    (clone / "theirs").write_text("not ours")
    jobs.clone = lambda revision, depth: clone  # type: ignore[method-assign]
    git(clone, "rm", "--quiet", "--cached", "services.yaml")
    git(clone, "commit", "--quiet", "--message", "not committed by mistake")
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    done(jobs)
    assert "basket" in frozen(jobs)
    assert "theirs" not in changed(jobs, BRANCH)


@only_github
def test_an_output_in_a_submodule_is_not_lost_without_a_word(jobs: Jobs, shop: ConsulAgent) -> None:
    other = jobs.folder / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    git(other, "commit", "--quiet", "--allow-empty", "--message", "hers")
    jobs.project.configure({**consul_config(shop.address), "outputs": [{"type": "yaml", "path": "other/x.yaml"}]})
    git(jobs.project.folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "other")
    jobs.push("a submodule")
    fresh = jobs.clone

    def clone(revision: str, depth: int) -> Path:
        folder = fresh(revision, depth)
        git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
        return folder

    jobs.clone = clone  # type: ignore[method-assign]
    assert "error: `other/x.yaml` is in a repository of its own, `other`" in done(jobs, "--allow", "orphans", status=2)
    assert jobs.host.pulls == []


@only_github
def test_a_token_that_may_not_push_or_propose_is_told_what_it_needs(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    ended = jobs.job("freeze", token=READER)
    assert ended.returncode == 5
    assert "error: git could not read" in ended.stderr
    jobs.host.down = True
    ended = jobs.job("freeze")
    assert ended.returncode == 5
    assert "error: GitHub answered 503" in ended.stderr
    jobs.host.down = False
    done(jobs)
    assert len(jobs.host.open_pulls()) == 1


@only_github
def test_the_first_freeze_of_a_project_below_the_top_is_proposed_whole(jobs: Jobs, shop: ConsulAgent) -> None:
    outputs = [{"type": "yaml", "path": "by service", "split": "service"}, {"type": "yaml", "path": "ignored.yaml"}]
    config = {**consul_config(shop.address, confirmed="frostline.confirmed"), "outputs": outputs}
    below = Project(jobs.folder / "project" / "déploy", jobs.project._run)
    below.configure(config)
    below.write(".gitignore", "ignored.yaml\n")
    jobs.push("a second project")
    shop.catalog_register("n1", 'od"d/näme', address="10.0.0.1", port=8081)
    arguments = ("--config", "déploy/frostline.yaml", "--branch", "frostline/deploy")
    done(jobs, *arguments)
    names = ["frostline.confirmed", "frostline.lock", "frostline.manifest"]
    services = ["ledger.yaml", "od%22d%2Fn%C3%A4me.yaml", "payments.yaml", "search.yaml"]
    assert changed(jobs, "frostline/deploy") == [
        *(f"déploy/by service/{name}" for name in services),
        *(f"déploy/{name}" for name in names),
    ]
    assert "<!-- frostline freeze d_ploy/frostline.yaml -->" in jobs.host.pulls[0].text
    first = jobs.host.git("rev-parse", "frostline/deploy")
    done(jobs, *arguments)
    assert jobs.host.git("rev-parse", "frostline/deploy") == first

    jobs.host.git("update-ref", "refs/heads/main", first)
    jobs.host.git("update-ref", "-d", "refs/heads/frostline/deploy")
    git(jobs.project.folder, "pull", "--quiet", str(jobs.host.bare), "main")
    shop.catalog_deregister("n1", 'od"d/näme')
    done(jobs, *arguments)
    assert f"déploy/by service/{services[1]}" in changed(jobs, "frostline/deploy")
    assert jobs.host.git("ls-tree", "--name-only", "frostline/deploy:déploy/by service").count("od%") == 0


def changed(jobs: Jobs, branch: str) -> list[str]:
    """The paths that this branch changes."""
    return [path for path in jobs.host.git("diff", "-z", "--name-only", "main", branch).split("\0") if path]


@only_github
def test_credentials_that_a_checkout_left_are_not_sent_as_well(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    fresh = jobs.clone

    def clone(revision: str, depth: int) -> Path:
        folder = fresh(revision, depth)
        git(folder, "config", f"http.{jobs.host.url}/.extraheader", "AUTHORIZATION: basic d3Jvbmc6d3Jvbmc=")
        return folder

    jobs.clone = clone  # type: ignore[method-assign]
    done(jobs)
    assert len(jobs.host.open_pulls()) == 1


@only_github
def test_a_job_without_a_token_or_with_a_wrong_branch_is_told_so(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    ended = jobs.job("freeze", token="")
    assert ended.returncode == 5
    assert "error: GitHub answered 401 to GET /repos/acme/shop/pulls: Bad credentials" in ended.stderr
    assert "help: the job needs `permissions`" in ended.stderr
    assert "error: git could not push the branch `a..b`" in done(jobs, "--branch", "a..b", status=5)
    assert jobs.host.pulls == []


def test_a_pull_request_that_changes_the_lock_is_told_what_that_means(jobs: Jobs, shop: ConsulAgent) -> None:
    shop.catalog_register("n1", "basket-v2", address="10.0.0.1", port=8081)
    jobs.project.done("compile")
    base = jobs.host.git("rev-parse", "main")
    jobs.project.write(base, jobs.project.read("frostline.lock").decode())  # as if nothing had changed
    jobs.push("frozen by hand", "ours")
    ended = jobs.job("check", revision="ours", depth=2, pull_request=True, env={"CI_MERGE_REQUEST_DIFF_BASE_SHA": base})
    assert ended.returncode == 0, ended.stderr
    assert "### What this changes in the registry\n" in jobs.host.comments[0].text
    assert jobs.host.comments[0].text.count("`basket v2`, 0 → 1 endpoints") == 1

    lock = jobs.project.folder / "frostline.lock"
    lock.rename(lock.with_name("other.lock"))
    jobs.project.configure(consul_config(shop.address, lock="other.lock")).done("compile", "--offline")
    jobs.push("a lock of another name hides nothing", "ours")
    # As GitHub merges it: one commit on the target.
    tree = jobs.host.git("rev-parse", "ours^{tree}")
    merged = git(jobs.project.folder, "commit-tree", tree, "-p", base, "-m", "merged")
    git(jobs.project.folder, "push", "--quiet", "--force", str(jobs.host.bare), f"{merged}:refs/heads/ours")
    jobs.host.comments.clear()
    jobs.job("check", revision="ours", depth=2, pull_request=True, env={"CI_MERGE_REQUEST_DIFF_BASE_SHA": base})
    assert "files change\n\n- `+` `basket v2`, 0 → 1 endpoints\n" in jobs.host.comments[0].text
