"""What a check says about the registry, and where a value came from."""

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
    """Something that a check says about the registry.

    rule: the stable name of its kind, such as `port-zero`; waivers and reports use it.
    service, version: the registry's key that it is about; service is None if it is about the whole registry.
    message: one sentence. It may quote hostile text unescaped, because the reporters escape it.
    value: the value that it is about, as text. help: what to do next.
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
        """Sorts errors before warnings, then by service, version, rule, message and origin."""
        return (
            self.severity,
            self.service or "",
            self.version or "",
            self.rule,
            self.message,
            str(self.origin or ""),
        )
