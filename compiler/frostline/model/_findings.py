"""What a check says of the registry, and where a value came from."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class FileOrigin(Struct, frozen=True, order=True):
    """A place in a file. `path` as users would type it; line and column count from 1, columns in characters."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class InstanceOrigin(Struct, frozen=True, order=True):
    """A place in a live source's answer."""

    source: str
    datacenter: str
    namespace: str = ""
    node: str = ""
    id: str = ""

    def __str__(self) -> str:
        names = {"datacenter": self.datacenter, "namespace": self.namespace, "node": self.node, "id": self.id}
        return f"{self.source}({', '.join(f'{name}={value}' for name, value in names.items() if value)})"


Origin = FileOrigin | InstanceOrigin


Severity = Literal["error", "warning"]


class Finding(Struct, frozen=True, kw_only=True):
    """Something that a check says of the registry.

    rule: a stable word, e.g. `port-zero`, by which waivers and reports name it.
    service, version: the registry's key that it is about; service None where it is about the whole.
    message: one sentence; may quote hostile text as it is (reporters escape).
    """

    rule: str
    message: str
    severity: Severity = "error"
    service: str | None = None
    version: str | None = None
    value: str | None = None
    origin: FileOrigin | InstanceOrigin | None = None
    help: str | None = None

    def sort_key(self) -> tuple[str, ...]:
        """Errors first, then by service, version, rule, message and place."""
        return (
            self.severity,
            self.service or "",
            self.version or "",
            self.rule,
            self.message,
            str(self.origin or ""),
        )
