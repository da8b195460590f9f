"""Jobs that freeze, and the branch that they propose."""

from __future__ import annotations

from ci_jobs import Jobs

BRANCH = "frostline/freeze"


def done(jobs: Jobs, *arguments: str, status: int = 0, env: dict[str, str] | None = None) -> str:
    ended = jobs.job("freeze", *arguments, env=env)
    assert ended.returncode == status, ended.stderr
    return ended.stderr


def frozen(jobs: Jobs, path: str = "services.yaml") -> str:
    return jobs.host.git("show", f"{BRANCH}:{path}")


def tip(jobs: Jobs) -> str:
    return jobs.host.git("rev-parse", "--verify", "--quiet", f"refs/heads/{BRANCH}")
