"""What the two hosts have in common, in GitHub's words: pull requests, comments and issues that are found again."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from typing import Protocol

from frostline.ci import github, gitlab
from frostline.errors import UsageError

TOKEN = "FROSTLINE_TOKEN"  # noqa: S105 - a variable's name
"""The variable that has the token for the host's API and for pushing."""


class Host(Protocol):
    """A job's host. A `mark` is the first line of a text that frostline wrote, by which it is found again.

    report_format: the format of `frostline check` that the host shows without a token.
    base: the revision that this pull request is compared with; empty where that is not known.
    branch: the one that this job runs on. remote: the URL of the repository, without credentials.
    user: whom the token belongs to, for git. longest: UTF-16 units of a comment or a description.
    """

    report_format: str
    base: str
    branch: str
    remote: str
    user: str
    longest: int

    def show(self, report: str, markdown: str) -> None:
        """Show what was checked where no token is needed. report: in `report_format`."""

    def comment(self, mark: str, text: str, *, begin: bool) -> None:
        """Write the one comment of this pull request anew; begin: also where there is none yet."""

    def other_target(self, branch: str) -> str | None:
        """The branch that an open pull request of this one goes into, where that is not the one that this job is on."""

    def propose(self, branch: str, commit: str, title: str, text: str) -> str | None:
        """Open the pull request of this branch, or write its title and text anew. Its URL; None where somebody has
        closed it with this very commit: that is an answer."""

    def withdraw(self, branch: str, why: str) -> bool:
        """Close the pull request of this branch. False: there is none."""

    def report(self, mark: str, title: str, text: str) -> str:
        """Open the one issue, or write its text anew. Its URL."""

    def settle(self, mark: str, why: str) -> bool:
        """Close the one issue. False: there is none."""


def find_token(environment: Mapping[str, str] = os.environ) -> str:
    """The token; empty where there is none. UsageError: no header of HTTP can have it."""
    token = environment.get(TOKEN, "").strip()  # secrets are often stored with the newline of a file
    if not re.fullmatch("[!-~]*", token):
        raise UsageError(f"${TOKEN} has a character that no token has", help="store the token again, as one line")
    return token


def without_token(text: str) -> str:
    """The text with `***` in place of the token, also as git sends it: a host may repeat what it was sent."""
    token = os.environ.get(TOKEN, "").strip()
    users = (github.GitHub.user, gitlab.GitLab.user)
    sent = [base64.b64encode(f"{user}:{token}".encode(errors="replace")).decode() for user in users]
    for form in (*sent, token) if token else ():
        text = text.replace(form, "***")
    return text


def find_host(environment: Mapping[str, str] = os.environ) -> Host:
    """The host whose job this is. UsageError: of neither."""
    token = find_token(environment)
    if environment.get("GITLAB_CI"):
        return gitlab.GitLab(environment, token)
    if environment.get("GITHUB_ACTIONS"):
        return github.GitHub(environment, token)
    raise UsageError(
        "this is no job of GitHub Actions or GitLab CI",
        help="elsewhere use `frostline check`, `frostline plan` and `frostline compile`, which need no host",
    )
