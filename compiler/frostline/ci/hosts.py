"""What GitHub and GitLab have in common, in GitHub's words: pull requests, comments and issues."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from typing import Protocol

from frostline.ci import github, gitlab
from frostline.errors import UsageError

TOKEN = "FROSTLINE_TOKEN"  # noqa: S105 - a variable's name
"""The variable with the token for the host's API and for pushing."""


class Host(Protocol):
    """The host of a job. A `mark` is the first line of a text that frostline wrote, by which we find the text again.

    report_format: the format of `frostline check` that the host shows without a token.
    base: the revision that this pull request is compared with; "" if it is not known.
    branch: the branch that this job runs on. remote: the URL of the repository, without credentials.
    user: the user name that git sends with the token. longest: UTF-16 units of a comment or a description.
    """

    report_format: str
    base: str
    branch: str
    remote: str
    user: str
    longest: int

    def show(self, report: str, markdown: str) -> None:
        """Show the result in the job, which needs no token. report: in `report_format`."""

    def comment(self, mark: str, text: str, *, begin: bool) -> None:
        """Update our comment on this pull request. begin: write one if there is none yet."""

    def other_target(self, branch: str) -> str | None:
        """Return the target of an open pull request from this branch, if it is not the branch of this job."""

    def propose(self, branch: str, commit: str, title: str, text: str) -> str | None:
        """Open the pull request from this branch, or update its title and text. Return its URL.

        Return None if somebody closed it with this very commit: it then stays closed.
        """

    def withdraw(self, branch: str, why: str) -> bool:
        """Close the pull request from this branch. Return False if there is none."""

    def report(self, mark: str, title: str, text: str) -> str:
        """Open our issue, or update its text. Return its URL."""

    def settle(self, mark: str, why: str) -> bool:
        """Close our issue. Return False if there is none."""


def find_token(environment: Mapping[str, str] = os.environ) -> str:
    """Return the token; "" if there is none. Raises UsageError if an HTTP header cannot hold it."""
    token = environment.get(TOKEN, "").strip()  # secrets are often stored with the newline of a file
    if not re.fullmatch("[!-~]*", token):
        raise UsageError(
            f"${TOKEN} has a character that a token cannot have", help="store the token again, as one line"
        )
    return token


def without_token(text: str) -> str:
    """Replace the token by `***`, also in the form in which git sends it: a host may repeat what it received."""
    token = os.environ.get(TOKEN, "").strip()
    users = (github.GitHub.user, gitlab.GitLab.user)
    encoded = [base64.b64encode(f"{user}:{token}".encode(errors="replace")).decode() for user in users]
    for form in (*encoded, token) if token else ():
        text = text.replace(form, "***")
    return text


def find_host(environment: Mapping[str, str] = os.environ) -> Host:
    """Return the host that runs this job. Raises UsageError if neither does."""
    token = find_token(environment)
    if environment.get("GITLAB_CI"):
        return gitlab.GitLab(environment, token)
    if environment.get("GITHUB_ACTIONS"):
        return github.GitHub(environment, token)
    raise UsageError(
        "this is not a job of GitHub Actions or GitLab CI",
        help="elsewhere use `frostline check`, `frostline plan` and `frostline compile`, which need no host",
    )
