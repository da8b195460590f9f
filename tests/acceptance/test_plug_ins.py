"""Another package brings a source, a check and an output: nothing of frostline changes for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from project import Project

MODULES = {
    "live.py": """
from frostline.errors import SourceError
from frostline.model import SegmentAnswer, Registration
from frostline.sources.base import ReadResult

def read(settings, *, datacenters=(), progress=None):
    if "down" in settings.options:
        raise SourceError("the fleet does not answer", origin=settings.origin)
    registrations = tuple(
        Registration(service=name, id=name, node="n1", address="10.9.0.1", port=80, tags=("a", "b"), meta={"k": "v"})
        for name in settings.options["names"]
    )
    answer = SegmentAnswer(source=settings.name, datacenter="x1", namespace="", registrations=registrations)
    return ReadResult(answers=(answer,))

def shape(settings):
    return {"names": settings.options["names"]}
""",
    "check.py": """
from frostline.model import Finding

def findings(registry, settings, context):
    return [Finding(rule="no-bad", message="bad is bad", service=name) for name in registry.services if name == "bad"]
""",
    "text.py": """
from pathlib import PurePosixPath
from frostline.outputs.base import Artifact, Rendering

def render(view, settings):
    lines = "".join(f"{settings.options['sign']} {entry.url}\\n" for _, entry in view.registry.entries())
    return Rendering(artifacts=(Artifact(path=PurePosixPath(settings.path.name), chunks=(lines.encode(),)),))

def folder(settings):
    return settings.path.parent

def paths(settings):
    return (PurePosixPath(settings.path.name),)
""",
}
ENTRY_POINTS = """
[frostline.sources]
fleet = fleet_plug_in.live
[frostline.checks]
no-bad = fleet_plug_in.check
[frostline.outputs]
text = fleet_plug_in.text
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment in which the other package is installed."""
    site = tmp_path / "site"
    (site / "fleet_plug_in").mkdir(parents=True)
    for name, text in MODULES.items():
        (site / "fleet_plug_in" / name).write_text(text, encoding="utf-8")
    info = site / "fleet_plug_in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fleet-plug-in\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    return {"PYTHONPATH": str(site)}


def config(*names: str, **more: Any) -> dict[str, Any]:
    fleet = {"type": "fleet", "names": names, "url": "https://{address}/{version}", **more}
    return {"version": 1, "sources": {"ships": fleet}, "outputs": [{"type": "text", "path": "out.txt", "sign": ">"}]}


def test_a_source_a_check_and_an_output_of_another_package_work_from_end_to_end(project: Project, env) -> None:
    project.configure(config("pay-v1", "ledger")).done("freeze", env=env)
    project.done("compile", "--offline", env=env)
    assert project.read("out.txt") == b"> http://10.9.0.1:80\n> https://10.9.0.1/v1\n"
    project.done("check", "--live", env=env)
    assert "ships" in project.done("sources", env=env).stdout
    project.configure(config("pay-v1", "ledger", "bad"))
    assert "bad is bad" in project.refused(4, "compile", env=env).stderr


def test_what_a_live_source_of_another_package_answers_is_selected_kept_and_explained(project: Project, env) -> None:
    more = {"select": {"services": ["*", "!ledger"]}, "keep": {"tags": ["a"], "meta": []}}
    project.configure(config("pay-v1", "ledger", **more)).done("compile", env=env)
    instances = [json.loads(line) for line in project.read("frostline.lock").splitlines()[2:]]
    assert [(one["service"], one["tags"], "meta" in one) for one in instances] == [("pay-v1", ["a"], False)]
    assert "`select.services` excludes its name" in project.done("explain", "ledger", env=env).stdout


def test_the_lock_of_a_live_source_of_another_package_is_bound_to_its_settings(project: Project, env) -> None:
    project.configure(config("pay-v1")).done("compile", env=env)
    for moved in (config("pay-v1", "ledger"), config("pay-v1", select={"tags": ["a"]})):
        assert "have changed" in project.configure(moved).refused(2, "compile", "--offline", env=env).stderr
    project.configure(config("pay-v1", url="http://{address}")).done("compile", "--offline", env=env)


def test_a_live_source_of_another_package_that_fails_changes_nothing(project: Project, env) -> None:
    project.configure(config("pay-v1")).done("compile", env=env)
    project.configure(config("pay-v1", down="yes"))
    assert "the fleet does not answer" in project.refused(3, "compile", env=env).stderr


def test_the_keys_that_live_sources_share_are_checked_in_those_of_other_packages(project: Project, env) -> None:
    project.configure(config("pay-v1", select={"servces": ["*"]}, keep=3, unversioned_url="{nope}"))
    said = project.refused(2, "compile", env=env).stderr
    assert "did you mean `services`?" in said
    assert "`keep` must be a mapping" in said
    assert "unknown placeholder {nope}" in said
