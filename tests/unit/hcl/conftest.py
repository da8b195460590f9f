"""What tests of the parser share: bodies and expressions of a text, and why a text is none."""

from __future__ import annotations

import pytest

from frostline.hcl.nodes import Body, Expression
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse


def body(text: str | bytes) -> Body:
    return parse(Source("f.hcl", text.encode() if isinstance(text, str) else text))


def expression(text: str) -> Expression:
    return body(f"x = {text}\n").attributes["x"].expression


def refusal(text: str | bytes) -> HclError:
    with pytest.raises(HclError) as caught:
        body(text)
    return caught.value
