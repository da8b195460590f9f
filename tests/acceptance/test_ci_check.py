"""`frostline-ci check`: one comment on a pull request, and what the job shows where it may not comment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from ci_jobs import Jobs, git
from code_host import ACCOUNTS, APP, PERSON, READER
from project import STATIC, Run

MARK = "<!-- frostline check frostline.yaml -->\n"


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def jobs(empty_jobs: Jobs) -> Jobs:
    """A repository whose `main` is compiled, and to which a branch `ours` of a pull request is pushed."""
    empty_jobs.project.configure(STATIC).done("compile")
    empty_jobs.push("all")
    return empty_jobs


only_github = pytest.mark.parametrize("kind", ["github"], indirect=True)


def check(jobs: Jobs, *arguments: str, token: str = APP, env: dict[str, str] | None = None) -> Run:
    """The job, for the merge of `ours` into `main`, as GitHub makes it."""
    return jobs.job("check", *arguments, revision="ours", depth=2, pull_request=True, token=token, env=env)


def disagree(jobs: Jobs, url: str = "https://elsewhere.example") -> None:
    """Somebody changes the configuration and forgets to compile."""
    text = jobs.project.read("frostline.yaml").decode()
    jobs.project.write("frostline.yaml", text.replace("https://billing.example", url))
    jobs.push("another URL", "ours")


def test_one_comment_is_begun_where_something_is_wrong_and_kept_up_to_date(jobs: Jobs) -> None:
    disagree(jobs)
    ended = check(jobs)
    assert ended.returncode == 1, ended.stderr
    (comment,) = jobs.host.comments
    assert comment.number == 7
    assert comment.text.startswith(
        MARK + "\n## frostline: run `frostline compile --offline`, and commit what it writes\n"
    )
    assert "services.yaml" in comment.text
    assert "- `~` `billing`" in comment.text

    jobs.project.done("compile", "--offline")
    jobs.push("compiled", "ours")
    assert check(jobs).returncode == 0
    assert len(jobs.host.comments) == 1
    assert "## frostline: Outputs, manifest, lock and configuration agree." in jobs.host.comments[0].text


def test_nothing_is_said_where_nothing_is_wrong_and_nothing_changes(jobs: Jobs) -> None:
    jobs.project.write("README", "unrelated\n")
    jobs.push("unrelated", "ours")
    ended = check(jobs)
    assert (ended.returncode, ended.stderr) == (0, "Outputs, manifest and lock agree.\n")
    assert jobs.host.comments == []


@only_github
def test_what_a_branch_changes_without_the_lock_is_said_though_all_agrees(jobs: Jobs) -> None:
    disagree(jobs)
    jobs.project.done("compile", "--offline")
    jobs.push("compiled", "ours")
    assert check(jobs).returncode == 0
    (comment,) = jobs.host.comments
    *_, title, _, change = comment.text.splitlines()
    assert (title, change) == ("### What the configuration and local files change", "- `~` `billing`, 1 → 1 endpoints")


def test_a_fork_gets_the_result_without_a_comment(jobs: Jobs) -> None:
    disagree(jobs)
    ended = check(jobs, token=READER)
    assert ended.returncode == 1
    assert jobs.host.comments == []
    assert "warning: no comment was written:" in ended.stderr
    if jobs.kind == "github":
        assert "Resource not accessible by integration" in ended.stderr
        assert "::error" in ended.stdout
        assert "services.yaml" in jobs.summary.read_text()
    else:
        report = ElementTree.parse(jobs.folder / "clone" / "frostline.junit.xml").getroot()
        assert report.findall(".//failure") != []
        assert "services.yaml" in ended.stdout


@only_github
def test_a_host_that_does_not_answer_does_not_change_the_result(jobs: Jobs) -> None:
    disagree(jobs)
    jobs.host.down = True
    assert check(jobs).returncode == 1
    jobs.project.done("compile", "--offline")
    jobs.push("compiled", "ours")
    assert check(jobs).returncode == 0


@pytest.mark.parametrize("token", [APP, PERSON])
def test_a_comment_of_somebody_else_is_left_alone_whatever_it_begins_with(jobs: Jobs, token: str) -> None:
    jobs.host.say(MARK + "mine")
    for number in range(120):
        jobs.host.say(f"chatter {number}")
    disagree(jobs)
    check(jobs, token=token)
    check(jobs, token=token)
    assert jobs.host.comments[0].text == MARK + "mine"
    assert [comment.author for comment in jobs.host.comments[121:]] == [ACCOUNTS[token]]


@only_github
def test_a_configuration_that_is_wrong_is_what_the_comment_says(jobs: Jobs) -> None:
    jobs.project.write("frostline.yaml", "sources: {mesh: {type: consull}}\n")
    jobs.push("wrong", "ours")
    assert check(jobs).returncode == 2
    assert "frostline: the check failed (exit status 2)" in jobs.host.comments[0].text
    assert "consull" in jobs.host.comments[0].text


@only_github
def test_hostile_text_stays_text_in_comments_and_starts_nothing(jobs: Jobs) -> None:
    hostile = "https://$(touch pwned)`touch pwned`.example/@everyone/::warning::x/${{ github.token }}"
    disagree(jobs, hostile)
    ended = check(jobs)
    assert ended.returncode in (1, 2)
    assert not list(jobs.folder.rglob("pwned"))
    for line in ended.stdout.splitlines():
        assert line.startswith(("::error ", "::warning "))
    for line in jobs.host.comments[0].text.splitlines():
        assert "@everyone" not in line or "``" in line


@only_github
def test_a_branch_starts_no_program_unless_it_is_trusted(jobs: Jobs) -> None:
    hostile = {"type": "yaml", "path": "new.yaml", "verify": ["sh", "-c", "touch ../started"]}
    jobs.project.configure({**STATIC, "outputs": [*STATIC["outputs"], hostile]})
    jobs.push("a verifier", "ours")
    assert check(jobs).returncode == 1
    assert "**not verified**, as `--allow` says: `new.yaml`" in jobs.host.comments[0].text
    assert not (jobs.folder / "started").exists()
    check(jobs, env={"FROSTLINE_CI_VERIFY": "true"})
    assert (jobs.folder / "started").exists()


@only_github
def test_each_configuration_has_a_comment_of_its_own(jobs: Jobs) -> None:
    config = jobs.project.write("deploy -->/other.yaml", jobs.project.read("frostline.yaml").decode())
    disagree(jobs)
    check(jobs)
    check(jobs, "--config", f"{config.parent.name}/other.yaml")
    check(jobs, "--config", f"{config.parent.name}/other.yaml")
    marks = [comment.text.split("\n")[0] for comment in jobs.host.comments]
    assert marks == [MARK.strip(), "<!-- frostline check deploy__-_/other.yaml -->"]


@only_github
def test_a_checkout_of_the_branch_itself_is_not_taken_for_its_merge(jobs: Jobs) -> None:
    base = jobs.host.git("rev-parse", "main")
    disagree(jobs)
    jobs.project.done("compile", "--offline")
    jobs.push("compiled", "ours")
    merged = git(jobs.project.folder, "commit-tree", "HEAD^{tree}", "-p", base, "-p", "HEAD", "-m", "merged")
    git(jobs.project.folder, "push", "--quiet", str(jobs.host.bare), f"{merged}:refs/pull/7/merge")
    jobs.project.write("README", "harmless\n")
    jobs.push("the last commit changes nothing", "ours")
    check(jobs, env={"GITHUB_SHA": merged})
    jobs.job("check", revision="refs/pull/7/merge", depth=2, pull_request=True)
    assert "is not known: this clone does not have the revision that it started from" in jobs.summary.read_text()
    assert "- `~` `billing`" in jobs.host.comments[0].text


@only_github
def test_a_clone_without_the_target_says_what_it_needs(jobs: Jobs) -> None:
    disagree(jobs)
    ended = jobs.job("check", revision="ours", depth=1, pull_request=True)
    assert ended.returncode == 1
    assert "`fetch-depth: 2` and no `ref` for actions/checkout" in jobs.host.comments[0].text


@only_github
def test_a_job_that_cannot_write_or_has_no_such_file_or_another_locale_ends_without_a_traceback(jobs: Jobs) -> None:
    jobs.project.write(
        "frostline.yaml", jobs.project.read("frostline.yaml").decode().replace('"billing"', '"bïlling→"')
    )
    jobs.push("another name", "ours")
    ended = check(jobs, env={"LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"})
    assert ended.returncode == 1, ended.stderr
    assert "\ufffd" not in jobs.host.comments[0].text
    assert "`bïlling→`" in jobs.host.comments[0].text
    ended = check(jobs, env={"GITHUB_STEP_SUMMARY": "/nowhere/summary"})
    assert ended.returncode == 5
    assert "error: [Errno 2] No such file or directory: '/nowhere/summary'" in ended.stderr
    ended = check(jobs, "--config", "no/such.yaml")
    assert ended.returncode == 2
    assert "no/such.yaml" in ended.stderr


def test_a_token_is_taken_without_the_newline_that_it_was_stored_with(jobs: Jobs) -> None:
    disagree(jobs)
    assert check(jobs, token=f" {APP}\r\n").returncode == 1
    assert len(jobs.host.comments) == 1


@only_github
@pytest.mark.parametrize("token", ["two\nlines", "a b", "x\u2028x", "\x1b[31m"])
def test_a_token_that_no_header_can_have_is_refused_and_not_shown(jobs: Jobs, token: str) -> None:
    disagree(jobs)
    ended = check(jobs, token=token)
    assert ended.returncode == 2
    assert ended.stderr == (
        "error: $FROSTLINE_TOKEN has a character that a token cannot have\n  help: store the token again, as one line\n"
    )


@pytest.mark.parametrize("kind", ["gitlab"], indirect=True)
def test_the_report_of_tests_is_not_written_through_a_link_of_the_branch(jobs: Jobs) -> None:
    victim = jobs.project.folder.parent / "victim"
    victim.write_text("mine")
    (jobs.project.folder / "frostline.junit.xml").symlink_to(victim)
    disagree(jobs)
    ended = check(jobs)
    assert ended.returncode == 5
    assert "error: `frostline.junit.xml` is a symbolic link" in ended.stderr
    assert victim.read_text() == "mine"


@only_github
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"root": "/"}, "`root` is outside the repository"),
        ({"overrides": "link"}, "outside of the repository"),
        ({"lock": "/etc/"}, "outside of the repository"),
        ({"checks": {"schema": ["../nothing.json"]}}, "outside of the repository"),
        ({"outputs": [{"type": "template", "template": ".git/config", "path": "x"}]}, "it is in a .git folder"),
        ({"sources": {"jobs": {"type": "jobspec", "files": ["../secret*"]}}}, "no file matches"),
        ({"sources": {"jobs": {"type": "jobspec", "files": ["../nothing.hcl"]}}}, "outside of the repository"),
        ({"sources": {"jobs": {"type": "jobspec", "files": ["*.nomad"], "var_files": ["link"]}}}, "outside of the"),
    ],
)
def test_a_branch_shows_nothing_of_the_machine_that_checks_it(jobs: Jobs, keys: dict[str, Any], said: str) -> None:
    secret = jobs.folder / "secret.hcl"
    secret.write_text('name = "kept-secret"\n')
    (jobs.project.folder / "link").symlink_to(secret)
    jobs.project.write("x.nomad", JOB)
    jobs.project.configure({**STATIC, **keys})
    jobs.push("a link", "ours")
    ended = check(jobs)
    (comment,) = jobs.host.comments
    assert said in comment.text
    assert "kept-secret" not in comment.text + ended.stdout + ended.stderr


@only_github
def test_templates_that_come_with_frostline_are_read_though_they_are_not_of_the_branch(jobs: Jobs) -> None:
    jobs.project.configure({**STATIC, "outputs": [{"type": "template", "builtin": "prometheus", "path": "x.json"}]})
    jobs.project.done("compile", "--offline", "--allow", "orphans")
    jobs.push("a builtin template", "ours")
    ended = check(jobs)
    assert ended.returncode == 0, ended.stderr


JOB = """
variable "name" { default = "x" }
job "x" {
  group "g" {
    network {
      port "http" { static = 80 }
    }
    service {
      name = var.name
      port = "http"
    }
  }
}
"""
