"""What `frostline-ci` says has no token in it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from click.testing import CliRunner

from frostline.ci import drifting
from frostline.ci.__main__ import main
from frostline.ci.hosts import TOKEN
from frostline.errors import PublishError


def say(monkeypatch: pytest.MonkeyPatch, error: Exception) -> tuple[int, str]:
    """Return the status and the output of a job that ends with this error."""

    def drift(*_: Any) -> int:
        raise error

    monkeypatch.setattr(drifting, "drift", drift)
    environment = {TOKEN: "secret\n", "GITHUB_ACTIONS": "true", "GITLAB_CI": ""}
    ended = CliRunner().invoke(main, ["drift"], env=environment)
    return ended.exit_code, ended.output


@pytest.mark.parametrize("user", ["x-access-token", "oauth2"])
def test_a_token_that_a_host_repeats_is_not_shown(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    basic = base64.b64encode(f"{user}:secret".encode()).decode()
    error = PublishError(f"remote: secret, {basic}", help="not secret")
    assert say(monkeypatch, error) == (5, "error: remote: ***, ***\n  help: not ***\n")
