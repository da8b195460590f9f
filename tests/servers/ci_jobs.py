"""Jobs of GitHub Actions and GitLab CI as `frostline-ci` sees them: a fresh clone and the job's variables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from code_host import APP, PROJECT, CodeHost
from project import Project, Run
from warm_command import WarmCommand

_PLAIN_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_OTHERS = ("GIT_", "GITHUB_", "GITLAB_", "CI_", "CONSUL_", "FROSTLINE_")


def plain_environment() -> dict[str, str]:
    """Return the environment without the variables of the machine's own CI, git, proxy and terminal."""
    names = {"CI", "NO_COLOR", "FORCE_COLOR"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OTHERS) and name not in names and not name.lower().endswith("_proxy")
    }
    return {**kept, **_PLAIN_GIT}


def git(folder: Path, *arguments: str) -> str:
    """Run git as the user Ann, and return its output."""
    who = {f"GIT_{role}_{part}": "ann@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder,
        env={**plain_environment(), **who},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


class Jobs:
    """A repository on a host, and the jobs that run in it. project: a work tree that is pushed to `main`.

    kind: `github` or `gitlab`.
    """

    def __init__(self, folder: Path, project: Project, host: CodeHost, kind: str, warm: WarmCommand) -> None:
        self.folder, self.project, self.host, self.kind, self.warm = folder, project, host, kind, warm
        self.summary = folder / "summary.md"

    def push(self, message: str, branch: str = "main") -> None:
        git(self.project.folder, "add", "--all")
        git(self.project.folder, "commit", "--quiet", "--message", message)
        git(self.project.folder, "push", "--quiet", str(self.host.bare), f"HEAD:refs/heads/{branch}")

    def job(
        self,
        *arguments: str,
        revision: str = "main",
        token: str = APP,
        depth: int = 1,
        pull_request: bool = False,
        env: dict[str, str] | None = None,
    ) -> Run:
        """Run `frostline-ci` in a fresh, shallow clone of this branch or reference."""
        clone = self.clone(revision, depth)
        event = self.folder / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 7}} if pull_request else {}))
        done = self.warm.run(
            arguments,
            cwd=clone,
            env={**plain_environment(), **self.variables(revision, event, pull_request), "FROSTLINE_TOKEN": token}
            | (env or {}),
            input=None,
            timeout=120,
            program="frostline-ci",
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert not token or token not in done.stdout + done.stderr
        return done

    def clone(self, revision: str, depth: int) -> Path:
        """Clone as checkout actions do: one reference, with only `depth` commits."""
        clone = self.folder / "clone"
        shutil.rmtree(clone, ignore_errors=True)
        clone.mkdir()
        git(clone, "init", "--quiet")
        git(clone, "fetch", "--quiet", "--depth", str(depth), f"file://{self.host.bare}", revision)
        git(clone, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        return clone

    def variables(self, revision: str, event: Path, pull_request: bool) -> dict[str, str]:
        if self.kind == "github":
            return {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": f"{self.host.url}/github",
                "GITHUB_SERVER_URL": self.host.url,
                "GITHUB_REPOSITORY": PROJECT,
                "GITHUB_REF_NAME": revision,
                "GITHUB_SHA": self.host.git("rev-parse", revision),
                "GITHUB_EVENT_PATH": str(event),
                "GITHUB_STEP_SUMMARY": str(self.summary),
            }
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.host.url}/gitlab",
            "CI_PROJECT_URL": f"{self.host.url}/{PROJECT}",
            "CI_PROJECT_ID": "42",
            "CI_COMMIT_REF_NAME": revision,
            **({"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "main"} if pull_request else {}),
        }
