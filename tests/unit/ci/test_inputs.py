"""The action, the components, the command and docs/ci.md know the same inputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.ci.__main__ import main

ROOT = Path(__file__).parents[3]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
COMPONENTS = {
    path.stem: list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) for path in (ROOT / "templates").glob("*.yml")
}
VARIABLES = {
    name: {str(option.envvar) for option in command.params if option.envvar} for name, command in main.commands.items()
}
"""Command -> the variables that stand for its options."""


def test_there_is_a_component_for_each_command() -> None:
    assert COMPONENTS.keys() == VARIABLES.keys() == {"check", "drift", "freeze"}


def test_the_action_gives_every_option_of_every_command() -> None:
    environment = ACTION["runs"]["steps"][-1]["env"]
    assert {name for name in environment if name.startswith("FROSTLINE_CI_")} == set().union(*VARIABLES.values())
    assert set(re.findall(r"inputs\.([a-z-]+)", str(ACTION["runs"]))) == ACTION["inputs"].keys()


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_a_component_gives_every_option_of_its_command(name: str) -> None:
    (job,) = COMPONENTS[name][1].values()
    assert {variable for variable in job["variables"] if variable.startswith("FROSTLINE_CI_")} == VARIABLES[name]
    assert job["script"][-1] == f"frostline-ci {name}"


def test_the_page_has_every_input_with_its_default_and_no_other() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8").partition("\n## Inputs\n")[2]
    rows = [[cell.strip() for cell in row.split("|")[1:3]] for row in re.findall(r"^\| `.*$", page, re.MULTILINE)]
    listed = {name.strip("`"): default.strip("`") for name, default in rows}
    known = {name: value.get("default", "") for name, value in ACTION["inputs"].items()}
    for head, _ in COMPONENTS.values():
        known |= {name: value.get("default", "") for name, value in head["spec"]["inputs"].items() if name not in known}
    assert listed.keys() == known.keys()
    for name in ("verify", "branch", "wait", "allow", "lock", "lock-only", "python", "image", "install"):
        assert listed[name] == known[name]
