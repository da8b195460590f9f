"""git, as `frostline-ci` starts it, in checkouts and against hosts that nobody trusts."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from http_server import Server, answer

from frostline.ci.clone import EMAIL, NAME, commit, open_clone, publish, withdraw
from frostline.errors import PublishError, RefusedError, UsageError


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_a_bare_repository_that_a_branch_committed_is_not_used(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    deploy = tmp_path / "deploy"
    git(tmp_path, "init", "--quiet", "--bare", str(deploy))
    git(deploy, "config", "--file", "config", "core.bare", "false")
    git(deploy, "config", "--file", "config", "core.worktree", ".")
    assert open_clone(tmp_path, "", "", "").top == tmp_path
    with pytest.raises(UsageError, match="deploy` looks like a bare git repository"):
        open_clone(deploy, "", "", "")


def test_the_token_is_not_sent_to_another_host_that_git_is_redirected_to(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    other = Server((answer("200 OK"),), socket.create_server(("127.0.0.1", 0)))
    redirect = answer("301 Moved", b"", f"Location: http://127.0.0.1:{other.address.port}/x.git/info/refs")
    host = Server((redirect,), socket.create_server(("127.0.0.1", 0)))
    clone = open_clone(tmp_path, f"http://127.0.0.1:{host.address.port}/x.git", "ann", "secret")
    try:
        with pytest.raises(PublishError, match="error: 301"):
            publish(clone, "frostline/freeze", "HEAD")
    finally:
        host.stop()
        other.stop()
    assert "Authorization: Basic" in host.requests[0]
    assert other.requests == []


def test_a_branch_is_not_confused_with_one_whose_name_ends_alike(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "host")
    git(tmp_path, "init", "--quiet", "clone")
    folder = tmp_path / "clone"
    git(folder, *ANN, "commit", "--quiet", "--allow-empty", "--message", "hers")
    git(folder, "push", "--quiet", "../host", "HEAD:refs/heads/a/refs/heads/frostline/freeze")
    clone = open_clone(folder, str(tmp_path / "host"), "", "")
    assert not withdraw(clone, "frostline/freeze")
    new = commit(clone, [], "ours")
    assert publish(clone, "frostline/freeze", new) == new
    assert withdraw(clone, "frostline/freeze")


ANN = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")


def test_a_commit_of_somebody_under_frostlines_name_is_not_taken_for_ours(tmp_path: Path) -> None:
    remote, work = tmp_path / "remote", tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(tmp_path, "init", "--quiet", str(work))
    who = ("-c", f"user.name={NAME}", "-c", f"user.email={EMAIL}")
    git(work, *who, "commit", "--quiet", "--allow-empty", "-m", "first")
    clone = open_clone(work, str(remote), "", "")
    (work / "a").write_text("1")
    ours = publish(clone, "b", commit(clone, ["a"], "Freeze services"))
    (work / "a").write_text("2")
    newer = publish(clone, "b", commit(clone, ["a"], "Freeze services"))
    assert newer != ours  # ours is replaced
    git(work, "checkout", "--quiet", "--force", newer)
    (work / "a").write_text("by hand")
    for words in (("--amend", "--no-edit"), ("-m", "by hand")):
        git(work, *who, "commit", "--quiet", "--all", "--allow-empty", *words)
        git(work, "push", "--quiet", "--force", str(remote), "HEAD:refs/heads/b")
        with pytest.raises(RefusedError, match=f"ends in a commit of `{EMAIL}`"):
            withdraw(clone, "b")


@pytest.mark.parametrize("email", ["", "ann at example"])
def test_a_commit_whose_committer_has_no_usual_address_is_left_alone(tmp_path: Path, email: str) -> None:
    remote = tmp_path / "remote"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(tmp_path, "init", "--quiet", "work")
    who = ("-c", "user.name=Ann", "-c", f"user.email={email}")
    git(tmp_path / "work", *who, "commit", "--quiet", "--allow-empty", "-m", "hers")
    git(tmp_path / "work", "push", "--quiet", str(remote), "HEAD:refs/heads/b")
    with pytest.raises(RefusedError, match=f"ends in a commit of `{email}` .*, which frostline did not write"):
        withdraw(open_clone(tmp_path / "work", str(remote), "", ""), "b")
