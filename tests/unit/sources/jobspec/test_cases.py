"""Job files, compared with what a real Nomad reads from them: services, upstreams, or the place of its error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import ErrorGroup, FrostlineError
from frostline.model import FileOrigin

CASES = Path(__file__).parents[3] / "data" / "nomad" / "cases"
EXPECTED = json.loads((CASES / "expected.json").read_text("utf-8"))


def place(origin: Any) -> str:
    assert isinstance(origin, FileOrigin)
    return f"{origin.line}:{origin.column}"


def outcome(folder: Any, name: str) -> dict[str, Any]:
    (folder.path / name).write_bytes((CASES / name).read_bytes())
    try:
        found = folder.declared(files=(name,))
    except FrostlineError as error:
        errors = error.errors if isinstance(error, ErrorGroup) else (error,)
        return {"errors": [place(inner.origin) for inner in errors]}
    made: dict[str, Any] = {
        "services": {service.service: [service.port, list(service.tags)] for service in found.services},
        "upstreams": [upstream.destination for upstream, _ in found.upstreams],
        "findings": {finding.rule: place(finding.origin) for finding in found.findings},
    }
    return {key: value for key, value in made.items() if value}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_job_file_is_read_as_nomad_reads_it(folder: Any, name: str) -> None:
    assert outcome(folder, name) == EXPECTED[name]


def test_every_case_has_an_expectation() -> None:
    assert {path.name for path in CASES.iterdir()} == {*EXPECTED, "expected.json"}
