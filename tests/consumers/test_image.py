"""The lines for an image in docs/installing.md, as hadolint judges them. No test builds it: that needs a registry."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.more_readers

PAGE = (Path(__file__).parents[2] / "docs" / "installing.md").read_text(encoding="utf-8")
LINES = PAGE.partition("```dockerfile\n")[2].partition("```")[0]


def test_hadolint_finds_nothing_in_the_lines_for_an_image(program: Callable[[str], str]) -> None:
    done = subprocess.run(
        [program("hadolint"), "--no-color", "-"], input=LINES, stdout=subprocess.PIPE, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_image_has_a_fixed_base_and_a_user_that_is_not_root() -> None:
    assert set(re.findall(r"^FROM (\S+)", LINES, re.MULTILINE)) == {"python:3.13-slim-bookworm"}
    assert re.findall(r"^USER (\S+)", LINES, re.MULTILINE) == ["1000:1000"]
