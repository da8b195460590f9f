"""What a text as a template makes of a registry, and its error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from template_outputs import EVIL, named, rendered

from frostline.errors import UsageError
from frostline.model import Registry


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """`written(template, registry, **included)`: what this template text makes of it."""

    def write(template: str, registry: Registry | None = None, **included: str) -> str:
        for name, text in {"main": template, **included}.items():
            (tmp_path / f"{name}.j2").write_text(text, encoding="utf-8")
        return rendered(named((EVIL, "v1")) if registry is None else registry, tmp_path / "main.j2")

    return write


@pytest.fixture
def refusal(written: Callable[..., str]) -> Callable[..., UsageError]:
    """The error of this template text."""

    def refused(template: str, registry: Registry | None = None, **included: str) -> UsageError:
        with pytest.raises(UsageError) as caught:
            written(template, registry, **included)
        return caught.value

    return refused
