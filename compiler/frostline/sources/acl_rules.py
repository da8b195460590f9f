"""Rules of an ACL policy as Consul and Nomad read them (HCL)."""

from __future__ import annotations

import json
from collections.abc import Sequence


def block(kind: str, label: str, lines: Sequence[str]) -> list[str]:
    """`service "web" { policy = "read" }` on one line; on several where there are more lines than one."""
    head = f"{kind} {quoted(label)}"
    if len(lines) == 1:
        return [f"{head} {{ {lines[0]} }}"]
    return [f"{head} {{", *(f"  {line}" for line in lines), "}"]


def quoted(text: str) -> str:
    """A string of HCL 1. `${` would start an interpolation, in which quotes count differently."""
    return json.dumps(text, ensure_ascii=False).replace("${", "\\u0024{")
