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
from frostline.rules import Rule

NO_BAD = Rule(
    name="no-bad", summary="a service is bad", why="Bad is bad.", example="error[no-bad]: bad", mend="make it good"
)
RULES = (NO_BAD,)

def findings(registry, settings, context):
    return [NO_BAD.finding("bad is bad", service=name) for name in registry.services if name == "bad"]
""",
    "text.py": """
from pathlib import PurePosixPath
from frostline.outputs.base import Artifact, Rendering

def render(view, settings):
    lines = "".join(f"{settings.options['sign']} {entry.url}\\n" for _, entry in view.registry.entries())
    return Rendering(artifacts=(Artifact(path=PurePosixPath(settings.path.name), chunks=(lines.encode(),)),))

""",
}
# Modules that bring their own settings, keys and schema, as those of frostline do.
WITH_KEYS = {
    "harbour.py": """
from frostline.config.readers import as_is, duration
from frostline.model import Registration, SegmentAnswer
from frostline.settings import LiveSettings
from frostline.sources.base import ReadResult
from frostline.sources.naming_keys import LIVE_KEYS, live_fields

SCHEMA = {
    "required": ["berths"],
    "properties": {
        "berths": {"type": "integer", "minimum": 1},
        "patience": {"$ref": "#/$defs/duration"},
        **LIVE_KEYS,
    },
}

class HarbourSettings(LiveSettings, frozen=True, kw_only=True):
    type: str = "harbour"
    berths: int
    patience: float = 1.0

def configure(cursor, context):
    fields = cursor.present(berths=as_is, patience=duration)
    return HarbourSettings(name=cursor.key, origin=cursor.key_origin, **live_fields(cursor), **fields)

def read(settings, *, datacenters=(), progress=None):
    registrations = tuple(
        Registration(service="berth", id=f"b{number}", node="n1", address=f"10.9.0.{number}", port=80)
        for number in range(1, settings.berths + 1)
    )
    answer = SegmentAnswer(source=settings.name, datacenter="x1", namespace="", registrations=registrations)
    return ReadResult(answers=(answer,), warnings=(f"waited {settings.patience} s",))

def shape(settings):
    return {"berths": settings.berths}
""",
    "short.py": """
from frostline.model import Finding

SCHEMA = {"type": "object", "additionalProperties": False, "properties": {"most": {"type": "integer", "minimum": 1}}}

def configure(cursor, context):
    most = cursor.get("most")
    if most is not None and most.value > 20:
        most.refuse("names of more than 20 characters are not short", "write at most 20")
    return most.value if most else 10

def findings(registry, settings, context):
    most = settings.options.get("short", 10)
    return [Finding(rule="short", message="is long", service=name) for name in registry.services if len(name) > most]
""",
    "pages.py": """
from pathlib import PurePosixPath
from frostline.config.readers import as_is
from frostline.outputs.base import Artifact, Claim, Rendering
from frostline.outputs.output_keys import output_settings

SCHEMA = {"properties": {"suffix": {"enum": ["txt", "md"], "default": "txt"}}}

def configure(cursor, context):
    return output_settings(cursor, context, {"suffix": "txt", **cursor.present(suffix=as_is)})

def claims(settings):
    return (Claim(settings.path, is_folder=True),)

def render(view, settings):
    pages = [
        Artifact(path=PurePosixPath(f"{name}.{settings.options['suffix']}"), chunks=(name.encode(),))
        for name in view.registry.services
    ]
    return Rendering(artifacts=tuple(pages))
""",
}
ENTRY_POINTS = """
[frostline.sources]
fleet = fleet_plug_in.live
harbour = fleet_plug_in.harbour
[frostline.checks]
no-bad = fleet_plug_in.check
short = fleet_plug_in.short
[frostline.outputs]
text = fleet_plug_in.text
pages = fleet_plug_in.pages
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment in which the other package is installed."""
    site = tmp_path / "site"
    (site / "fleet_plug_in").mkdir(parents=True)
    for name, text in (MODULES | WITH_KEYS).items():
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


def test_the_rules_of_another_package_are_shown_with_the_others(project: Project, env) -> None:
    assert "a service is bad" in project.done("rule", "no-bad", env=env).stdout
    assert "no-bad " in project.done("rule", env=env).stdout


def test_what_a_live_source_of_another_package_answers_is_selected_kept_and_explained(project: Project, env) -> None:
    more = {"select": {"services": ["*", "!ledger"]}, "keep": {"tags": ["a"], "meta": []}}
    project.configure(config("pay-v1", "ledger", **more)).done("compile", env=env)
    instances = [json.loads(line) for line in project.read("frostline.lock").splitlines()[2:]]
    assert [(instance["service"], instance["tags"], "meta" in instance) for instance in instances] == [
        ("pay-v1", ["a"], False)
    ]
    assert "`select.services` excludes its name" in project.done("explain", "ledger", env=env).stdout


def test_the_lock_of_a_live_source_of_another_package_is_bound_to_its_settings(project: Project, env) -> None:
    project.configure(config("pay-v1")).done("compile", env=env)
    moved = config("pay-v1", "ledger")
    assert "have changed" in project.configure(moved).refused(2, "compile", "--offline", env=env).stderr
    project.configure(config("pay-v1", url="http://{address}")).done("compile", "--offline", env=env)
    project.configure(config("pay-v1", select={"tags": ["a"]})).done("compile", "--offline", env=env)


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


def with_keys(source: str = "berths: 2", check: str = "most: 12", output: str = "suffix: md") -> str:
    """A configuration of the source, the check and the output with keys of their own."""
    return f"""sources:
  port: {{type: harbour, {source}}}
checks:
  short: {{{check}}}
outputs:
  - {{type: pages, path: pages, {output}}}
"""


def test_keys_of_other_packages_become_their_settings(project: Project, env) -> None:
    project.write("frostline.yaml", with_keys("berths: 2, patience: 250ms"))
    assert "waited 0.25 s" in project.done("compile", env=env).stderr
    assert project.read("pages/berth.md") == b"berth"
    project.write("frostline.yaml", with_keys(check="most: 3"))
    assert "error[short]: berth: is long" in project.refused(4, "compile", env=env).stderr


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"source": "berhts: 2"}, "frostline.yaml:2:25: error: unknown key `berhts`\n  help: did you mean `berths`?"),
        ({"source": "patience: 1s"}, "frostline.yaml:2:3: error: `port` needs `berths`"),
        ({"source": "berths: 0"}, "frostline.yaml:2:33: error: `berths` must be at least 1, not 0"),
        ({"check": "mots: 3"}, "frostline.yaml:4:11: error: unknown key `mots`\n  help: did you mean `most`?"),
        ({"check": "most: 30"}, "frostline.yaml:4:17: error: names of more than 20 characters are not short"),
        ({"output": "sufix: md"}, "frostline.yaml:6:32: error: unknown key `sufix`\n  help: did you mean `suffix`?"),
        ({"output": "suffix: mdd"}, "frostline.yaml:6:40: error: `suffix` must be `txt` or `md`, not `mdd`"),
    ],
)
def test_a_wrong_key_of_another_package_is_refused_with_its_place(project: Project, env, keys, said) -> None:
    project.write("frostline.yaml", with_keys(**keys))
    assert said in project.refused(2, "compile", env=env).stderr


def test_no_other_output_lies_in_a_folder_that_one_of_another_package_claims(project: Project, env) -> None:
    project.write("frostline.yaml", with_keys() + "  - {type: yaml, path: pages/services.yaml}\n")
    said = project.refused(2, "compile", env=env).stderr
    assert "frostline.yaml:7:24: error: two outputs overlap: pages/services.yaml lies in pages" in said


def test_the_lock_is_bound_to_the_settings_of_a_source_with_keys_of_its_own(project: Project, env) -> None:
    project.write("frostline.yaml", with_keys())
    project.done("compile", env=env)
    project.write("frostline.yaml", with_keys("berths: 3"))
    assert "have changed" in project.refused(2, "compile", "--offline", env=env).stderr
    project.write("frostline.yaml", with_keys('berths: 2, select: {services: ["b*"]}'))
    project.done("compile", "--offline", env=env)


def test_what_a_source_answers_twice_is_never_written(project: Project, env) -> None:
    project.configure(config("pay-v1", "ledger", "pay-v1"))
    for command in (["compile"], ["freeze"], ["plan"], ["freeze", "--out", "other.lock"]):
        refused = project.refused(3, *command, env=env).stderr
        assert "it has the same instance twice" in refused
    assert sorted(path.name for path in project.folder.iterdir()) == ["frostline.yaml"]
