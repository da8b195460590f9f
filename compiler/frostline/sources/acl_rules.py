"""Write the rules of an ACL policy in the HCL that Consul and Nomad read."""

from __future__ import annotations

import json
from collections.abc import Sequence


def block(kind: str, label: str, lines: Sequence[str]) -> list[str]:
    """Return a block such as `service "web" { policy = "read" }`: on one line if its body is one line."""
    head = f"{kind} {quoted(label)}"
    if len(lines) == 1:
        return [f"{head} {{ {lines[0]} }}"]
    return [f"{head} {{", *(f"  {line}" for line in lines), "}"]


def quoted(text: str) -> str:
    """Quote a string for HCL 1. `${` is escaped because it would start an interpolation, where quotes nest."""
    return json.dumps(text, ensure_ascii=False).replace("${", "\\u0024{")
