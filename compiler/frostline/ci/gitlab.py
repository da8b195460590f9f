"""GitLab: its REST API, version 4, and the variables that its runner sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.ci.api import Api
from frostline.ci.texts import LABEL, has_mark
from frostline.errors import UsageError
from frostline.publish.single_file import replace_file

JUNIT = Path("frostline.junit.xml")
"""The test report that a job of the component keeps. GitLab shows it in the merge request."""

_FORBIDDEN = (
    "the variable FROSTLINE_TOKEN needs an access token of the project with the scope `api`; the role Reporter does "
    "for a comment or an issue, Developer for a merge request. A pipeline of a fork does not have it"
)


class _Author(Struct):
    id: int


class _Note(Struct):
    id: int
    body: str
    author: _Author


class _Item(Struct):
    """A merge request or an issue."""

    iid: int
    web_url: str
    description: str | None = None
    author: _Author | None = None
    sha: str | None = None
    target_branch: str = ""
    source_project_id: int | None = None
    target_project_id: int | None = None


class GitLab:
    """A job of GitLab CI, as its variables describe it. https://docs.gitlab.com/ci/variables/predefined_variables/"""

    report_format = "junit"
    user = "oauth2"
    longest = 1_000_000

    def __init__(self, environment: Mapping[str, str], token: str) -> None:
        self._environment = environment
        self.base = environment.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
        self.branch = environment.get("CI_COMMIT_REF_NAME", "")
        self.remote = f"{environment.get('CI_PROJECT_URL', '')}.git"
        project = f"/projects/{environment.get('CI_PROJECT_ID', '')}"
        self._requests, self._issues = f"{project}/merge_requests", f"{project}/issues"
        headers = {"PRIVATE-TOKEN": token} if token else {}
        # Set for a server with its own certificate authority. The runner has already configured git with it.
        ca_file = environment.get("CI_SERVER_TLS_CA_FILE")
        self._api = Api("GitLab", environment.get("CI_API_V4_URL", ""), headers, _FORBIDDEN, ca_file)

    def show(self, report: str, markdown: str) -> None:
        """Write the test report that the job keeps, and print the text to the log."""
        replace_file(JUNIT, [report.encode()])  # it follows no link that a branch may have committed
        print(markdown, flush=True)  # noqa: T201

    def comment(self, mark: str, text: str, *, begin: bool) -> None:
        number = self._environment.get("CI_MERGE_REQUEST_IID")
        if not number:
            raise UsageError(
                "this job does not run for a merge request, so there is nothing to comment on",
                help='let it run if `$CI_PIPELINE_SOURCE == "merge_request_event"`',
            )
        notes = f"{self._requests}/{number}/notes"
        for note in self._api.list_all(notes, _Note, sort="asc"):
            if has_mark(note.body, mark) and note.author.id == self._me:
                self._api.send("PUT", f"{notes}/{note.id}", _Note, {"body": text})
                return
        if begin:
            self._api.send("POST", notes, _Note, {"body": text})

    def other_target(self, branch: str) -> str | None:
        targets = (request.target_branch for request in self._requests_of(branch, state="opened"))
        return next((target for target in targets if target != self.branch), None)

    def propose(self, branch: str, commit: str, title: str, text: str) -> str | None:
        body: dict[str, Any] = {"title": title, "description": text}
        for request in self._proposed(branch, "opened"):
            return self._api.send("PUT", f"{self._requests}/{request.iid}", _Item, body).web_url
        if any(closed.sha == commit for closed in self._proposed(branch, "closed")):
            return None
        body |= {"source_branch": branch, "target_branch": self.branch, "remove_source_branch": True}
        return self._api.send("POST", self._requests, _Item, body).web_url

    def withdraw(self, branch: str, why: str) -> bool:
        return self._close(self._proposed(branch, "opened"), self._requests, why)

    def report(self, mark: str, title: str, text: str) -> str:
        body = {"title": title, "description": text}
        for issue in self._reported(mark):
            return self._api.send("PUT", f"{self._issues}/{issue.iid}", _Item, body).web_url
        return self._api.send("POST", self._issues, _Item, {**body, "labels": LABEL}).web_url

    def settle(self, mark: str, why: str) -> bool:
        return self._close(self._reported(mark), self._issues, why)

    def _close(self, items: Iterator[_Item], path: str, why: str) -> bool:
        """Close all items: two runs at once may have opened two. Return False if there are none."""
        numbers = [item.iid for item in items]
        for number in numbers:
            self._api.send("POST", f"{path}/{number}/notes", _Note, {"body": why})
            self._api.send("PUT", f"{path}/{number}", _Item, {"state_event": "close"})
        return bool(numbers)

    def _proposed(self, branch: str, state: str) -> Iterator[_Item]:
        """Yield the merge requests from this branch of the project into the job's branch, the newest first."""
        return self._requests_of(branch, state=state, target_branch=self.branch)

    def _requests_of(self, branch: str, **query: str) -> Iterator[_Item]:
        """Yield the merge requests from this branch of the project, but not of a fork."""
        requests = self._api.list_all(self._requests, _Item, source_branch=branch, **query)
        return (request for request in requests if request.source_project_id == request.target_project_id)

    def _reported(self, mark: str) -> Iterator[_Item]:
        """Yield our open issues with this mark, the oldest first."""
        issues = self._api.list_all(self._issues, _Item, state="opened", labels=LABEL, sort="asc")
        marked = (issue for issue in issues if has_mark(issue.description, mark))
        return (issue for issue in marked if issue.author and issue.author.id == self._me)

    @cached_property
    def _me(self) -> int:
        """The user of the token: anybody else could write a text that begins with the mark."""
        return self._api.send("GET", "/user", _Author).id
