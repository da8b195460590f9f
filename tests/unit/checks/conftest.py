from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frostline.checks.base import Context
from frostline.checks.schema.check import findings, load
from frostline.errors import UsageError
from frostline.model import Endpoint, Entry, FileOrigin, Finding, Registry, registry_of
from frostline.outputs.values import service_value
from frostline.settings import CheckSettings, PolicySetting

PLACE = FileOrigin("frostline.yaml", 60, 7)


def _endpoint(**more: Any) -> Endpoint:
    values: dict[str, Any] = {
        "address": "10.0.0.1",
        "port": 8080,
        "source": "mesh",
        "datacenter": "dc1",
        "node": "n1",
        "id": "payments-1",
    }
    values |= more
    return Endpoint(url=f"http://{values['address']}:{values['port']}", **values)


def _registry(**services: dict[str | None, list[Endpoint]]) -> Registry:
    return registry_of(
        {
            (service.replace("__", "-"), version): Entry(
                url=endpoints[0].url if endpoints else None, endpoints=tuple(endpoints), sources=("mesh",)
            )
            for service, versions in services.items()
            for version, endpoints in versions.items()
        }
    )


@pytest.fixture
def endpoint() -> Callable[..., Endpoint]:
    """`endpoint(**fields)`: http://10.0.0.1:8080 of source mesh in dc1, with other fields as given."""
    return _endpoint


@pytest.fixture
def registry() -> Callable[..., Registry]:
    """`registry(payments={"v1": [endpoint, …], None: []})`; `__` in a name is `-`."""
    return _registry


@pytest.fixture
def policies() -> Callable[..., CheckSettings]:
    """`policies(ports={"allow": […]})`: settings with these policies, all at frostline.yaml:60:7."""

    def make(severity: str = "error", **values: Any) -> CheckSettings:
        return CheckSettings(
            policies={
                name: PolicySetting(value=value, origin=PLACE, severity=severity) for name, value in values.items()
            }
        )

    return make


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(value_of=service_value, root=tmp_path)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """`written(schema, name="schemas/ours.json")`: the schema (or text, or bytes) as a file inside the root."""

    def write(schema: Any, name: str = "schemas/ours.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(schema, bytes):
            path.write_bytes(schema)
        else:
            path.write_text(schema if isinstance(schema, str) else json.dumps(schema), encoding="utf-8")
        return path

    return write


@pytest.fixture
def checked(written: Any, context: Context, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Finding]]:
    """`checked(schema, registry)`: what breaks this schema alone; the built-in one takes everything."""
    monkeypatch.setattr("frostline.checks.schema.check.schema_text", lambda name: b'{"$defs": {"service": true}}')

    def check(schema: Any, registry: Any) -> list[Finding]:
        return list(findings(registry, CheckSettings(schema=(written(schema),)), context))

    return check


@pytest.fixture
def refused(written: Any, tmp_path: Path) -> Callable[..., UsageError]:
    """`refused(schema)`: the error that loading it raises."""

    def refuse(schema: Any) -> UsageError:
        with pytest.raises(UsageError) as raised:
            load([written(schema)], tmp_path)
        assert raised.value.help
        assert str(tmp_path) not in str(raised.value.origin)
        return raised.value

    return refuse
