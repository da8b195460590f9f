"""How `frostline-ci` ends where something is wrong that nobody thought of, and what its help says."""

from __future__ import annotations

import pytest

from frostline.ci import __main__ as command
from frostline.ci import drifting


def test_a_bug_shows_its_place_and_no_value_and_does_not_look_like_a_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def drift(*_: object) -> int:
        raise ValueError("Bearer secret")

    monkeypatch.setattr(drifting, "drift", drift)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(SystemExit) as ended:
        command.main(["drift"], standalone_mode=False)
    said = capsys.readouterr().err
    assert ended.value.code == 70
    assert "ValueError at test_ending.py:" in said
    assert "secret" not in said


def test_the_help_has_the_whole_summary_of_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    shown = capsys.readouterr().out
    for subcommand in command.main.commands.values():
        summary = (subcommand.help or "").partition("\n")[0]
        assert f"{subcommand.name}  " in shown
        assert f" {summary}\n" in shown
