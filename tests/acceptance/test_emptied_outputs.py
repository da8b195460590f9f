"""An output that is published and would lose its last service, from end to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from project import Project, Run

SERVICES = {"billing": "https://billing.example", "payments": "https://payments.example"}


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


def configured(project: Project, services: Mapping[str, str], **output: Any) -> Project:
    outputs = [{"type": "yaml", "path": "all.yaml"}, {"type": "yaml", "path": "pay.yaml", "select": ["pay*"], **output}]
    return project.configure({"sources": {"keep": {"type": "static", "services": services}}, "outputs": outputs})


def test_it_is_refused_until_it_is_allowed_once(project: Project) -> None:
    configured(project, SERVICES).done("compile")
    before = project.read("pay.yaml")
    less = configured(project, {"billing": SERVICES["billing"], "ledger": "https://ledger.example"})
    refused = less.refused(4, "compile").stderr
    assert "frostline.yaml" in refused
    assert "error[guard-output]: the output `pay.yaml` would have no service any more" in refused
    assert "warning[output-empty]" not in refused
    assert project.read("pay.yaml") == before
    assert less.refused(4, "compile", "--allow", "empty=all.yaml").stderr == refused
    assert "warning[output-empty]" in less.done("compile", "--allow", "empty=pay.yaml").stderr
    assert "warning[output-empty]" in less.done("compile").stderr


def test_a_new_output_without_a_service_is_a_warning(project: Project) -> None:
    configured(project, SERVICES).done("compile")
    project.configure(
        configured(project, SERVICES, path="new.yaml", select={"tags": ["api"]}).read("frostline.yaml").decode()
    )
    assert "warning[output-empty]: the output `new.yaml`" in project.run("compile", "--allow", "orphans").stderr


def test_the_outputs_that_are_not_in_scope_are_not_judged(project: Project) -> None:
    configured(project, SERVICES).done("compile")
    less = configured(project, {"billing": SERVICES["billing"], "ledger": "https://ledger.example"})
    less.done("compile", "--only", "all.yaml")
    assert "guard-output" in less.refused(4, "plan", "--only", "pay.yaml").stderr
