"""GitHub: its REST API, version 2022-11-28, and the variables that its runner sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from frostline.ci.api import Api, ApiError
from frostline.ci.texts import LABEL, has_mark
from frostline.errors import UsageError

_FORBIDDEN = (
    "the job needs `permissions`: `pull-requests: write` for a comment, `contents: write` beside it for a pull "
    "request, `issues: write` for an issue; a pull request also needs 'Allow GitHub Actions to create and approve "
    "pull requests' in the settings of the repository. A job for a pull request of a fork can only read"
)


class _User(Struct):
    login: str
    type: str = ""


class _Comment(Struct):
    id: int
    body: str | None = None
    user: _User | None = None


class _Repository(Struct):
    id: int


class _End(Struct):
    sha: str
    ref: str
    repo: _Repository | None = None


class _Pull(Struct):
    number: int
    html_url: str
    head: _End
    base: _End
    merged_at: str | None = None


class _Issue(Struct):
    number: int
    html_url: str
    body: str | None = None
    user: _User | None = None
    pull_request: Any = None


class _Number(Struct):
    number: int


class _Event(Struct):
    pull_request: _Number


class GitHub:
    """A job of GitHub Actions, as its variables describe it.

    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    """

    report_format = "github"
    user = "x-access-token"
    longest = 65_536

    def __init__(self, environment: Mapping[str, str], token: str) -> None:
        self._environment = environment
        self._repository = environment.get("GITHUB_REPOSITORY", "")
        # actions/checkout checks out the merge of the pull request into its target. If a workflow checks out another
        # commit, the first parent of that may be part of the change under review.
        merge = environment.get("GITHUB_SHA")
        self.base = f"{merge}^1" if merge else ""
        self.branch = environment.get("GITHUB_REF_NAME", "")
        self.remote = f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{self._repository}.git"
        self._here = f"/repos/{self._repository}"
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        headers |= {"User-Agent": "frostline", **({"Authorization": f"Bearer {token}"} if token else {})}
        self._api = Api("GitHub", environment.get("GITHUB_API_URL", "https://api.github.com"), headers, _FORBIDDEN)

    def show(self, report: str, markdown: str) -> None:
        """Print the annotations, which the runner reads from the log, and write the summary of the job."""
        print(report, end="", flush=True)  # noqa: T201
        if summary := self._environment.get("GITHUB_STEP_SUMMARY"):
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(f"{markdown}\n")

    def comment(self, mark: str, text: str, *, begin: bool) -> None:
        comments = f"{self._here}/issues/{self._pull_request()}/comments"
        for comment in self._api.list_all(comments, _Comment):
            if has_mark(comment.body, mark) and self._is_mine(comment):
                self._api.send("PATCH", f"{self._here}/issues/comments/{comment.id}", _Comment, {"body": text})
                return
        if begin:
            self._api.send("POST", comments, _Comment, {"body": text})

    def other_target(self, branch: str) -> str | None:
        targets = (pull.base.ref for pull in self._pulls_of(branch, state="open"))
        return next((target for target in targets if target != self.branch), None)

    def propose(self, branch: str, commit: str, title: str, text: str) -> str | None:
        pulls, body = f"{self._here}/pulls", {"title": title, "body": text}
        for pull in self._proposed(branch, "open"):
            return self._api.send("PATCH", f"{pulls}/{pull.number}", _Pull, body).html_url
        if any(closed.head.sha == commit and not closed.merged_at for closed in self._proposed(branch, "closed")):
            return None
        return self._api.send("POST", pulls, _Pull, {**body, "head": branch, "base": self.branch}).html_url

    def withdraw(self, branch: str, why: str) -> bool:
        return self._close(self._proposed(branch, "open"), "pulls", why)

    def report(self, mark: str, title: str, text: str) -> str:
        issues, body = f"{self._here}/issues", {"title": title, "body": text}
        for issue in self._reported(mark):
            return self._api.send("PATCH", f"{issues}/{issue.number}", _Issue, body).html_url
        return self._api.send("POST", issues, _Issue, {**body, "labels": [LABEL]}).html_url

    def settle(self, mark: str, why: str) -> bool:
        return self._close(self._reported(mark), "issues", why)

    def _close(self, items: Iterator[_Pull] | Iterator[_Issue], kind: str, why: str) -> bool:
        """Close all items: two runs at once may have opened two. Return False if there are none."""
        numbers = [item.number for item in items]
        for number in numbers:
            self._api.send("POST", f"{self._here}/issues/{number}/comments", _Comment, {"body": why})
            self._api.send("PATCH", f"{self._here}/{kind}/{number}", _Number, {"state": "closed"})
        return bool(numbers)

    def _proposed(self, branch: str, state: str) -> Iterator[_Pull]:
        """Yield the pull requests from this branch of the repository into the job's branch, the newest first."""
        return self._pulls_of(branch, state=state, base=self.branch)

    def _pulls_of(self, branch: str, **query: str) -> Iterator[_Pull]:
        """Yield the pull requests from this branch of the repository, but not of a fork that has the same owner."""
        head = f"{self._repository.partition('/')[0]}:{branch}"
        pulls = self._api.list_all(f"{self._here}/pulls", _Pull, head=head, **query)
        return (pull for pull in pulls if pull.head.repo == pull.base.repo)

    def _reported(self, mark: str) -> Iterator[_Issue]:
        """Yield our open issues with this mark, the oldest first."""
        # GitHub lists pull requests among the issues.
        issues = self._api.list_all(f"{self._here}/issues", _Issue, state="open", labels=LABEL, direction="asc")
        marked = (issue for issue in issues if issue.pull_request is None and has_mark(issue.body, mark))
        return (issue for issue in marked if self._is_mine(issue))

    def _pull_request(self) -> int:
        try:
            event = Path(self._environment["GITHUB_EVENT_PATH"]).read_bytes()
            return msgspec.json.decode(event, type=_Event).pull_request.number
        except (KeyError, OSError, msgspec.DecodeError, UnicodeDecodeError):
            raise UsageError(
                "this job does not run for a pull request, so there is nothing to comment on",
                help="start the workflow `on: pull_request`",
            ) from None

    def _is_mine(self, written: _Comment | _Issue) -> bool:
        """Whether our token wrote it: anybody could write a text that begins with the mark."""
        user = written.user or _User(login="")
        return user.login == self._login if self._login else user.type == "Bot"

    @cached_property
    def _login(self) -> str:
        """The user of the token; "" for the token of a job or another app, which may not ask."""
        try:
            return self._api.send("GET", "/user", _User).login
        except ApiError:
            return ""
