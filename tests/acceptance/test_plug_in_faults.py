"""A plug-in that does what it must not: the run ends as frostline decides, and the message names the plug-in."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import Project, Run

from frostline import plug_ins

CANARY = "canary-77c1"
HEAD = """
import os, sys
from pathlib import Path, PurePosixPath
from frostline.errors import ErrorGroup, FrostlineError, RefusedError, SourceError, UsageError
from frostline.model import *
from frostline.outputs.base import Artifact, Claim, Rendering
from frostline.rules import Rule
from frostline.sources.base import ReadResult
"""
FINDING = "Finding(rule='odd', message='it is odd', service='billing')"
RULE = "Rule(name='odd', summary='s', why='w', example='e', mend='m')"
STATIC = {"keep": {"type": "static", "services": {"billing": "https://billing.example"}}}


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`install(group, code)`: the package `odd-ones` 1.2, whose entry point `odd` is a module with this code."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(site)

    def write(group: str, code: str, package: str = "odd_ones", name: str = "odd") -> None:
        info = site / f"{package}-1.2.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[frostline.{group}]\n{name} = {package}\n")
        (site / f"{package}.py").write_text(HEAD + code)
        sys.modules.pop(package, None)
        importlib.invalidate_caches()
        plug_ins.installed.cache_clear()

    yield write
    plug_ins.installed.cache_clear()
    for name in ("odd_ones", "even_ones"):
        sys.modules.pop(name, None)


def source(body: str, shape: str = "return {}") -> str:
    return f"def shape(settings):\n    {shape}\ndef read(settings, *, datacenters=(), progress=None):\n    {body}\n"


def answer(registrations: str = "Registration(service='a', id='1', node='n', address='10.0.0.1', port=1),") -> str:
    return (
        f"return ReadResult(answers=(SegmentAnswer(source=settings.name, datacenter='d', namespace='', "
        f"registrations=({registrations})),))"
    )


def with_plug_in(project: Project, group: str) -> Project:
    sources = {**STATIC, "theirs": {"type": "odd"}} if group == "sources" else STATIC
    outputs = [{"type": "odd", "path": "out.txt"}] if group == "outputs" else [{"type": "yaml", "path": "all.yaml"}]
    return project.configure({"version": 1, "sources": sources, "outputs": outputs})


STATUS = {"sources": 3, "checks": 4, "outputs": 2}
WAYS = [
    ("raise SystemExit(0)", "SystemExit at odd_ones.py"),
    ("sys.exit(0)", "SystemExit at odd_ones.py"),
    ("sys.exit('bye')", "only frostline decides how a run ends"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt at odd_ones.py"),
    ("raise MemoryError", "MemoryError at odd_ones.py"),
    ("raise GeneratorExit", "GeneratorExit at odd_ones.py"),
    ("raise BaseException", "BaseException at odd_ones.py"),
    ("raise BrokenPipeError", "BrokenPipeError at odd_ones.py"),
    ("def f(): f()\n    f()", "RecursionError at odd_ones.py"),
    (f"raise ValueError('{CANARY}')", "ValueError at odd_ones.py"),
    ("import nothing_there", "ModuleNotFoundError (nothing_there) at odd_ones.py"),
    ("raise FrostlineError('bug')", "raised an invalid"),
    ("e = UsageError('no'); e.status = 0; raise e", "raised an invalid"),
    ("raise UsageError(3)", "raised an invalid"),
    ("raise UsageError('no', origin=('a', 1))", "raised an invalid"),
    ("raise ErrorGroup([FrostlineError('bug')])", "raised an invalid"),
]
FUNCTIONS = {
    "sources": source("{}"),
    "checks": "def findings(registry, settings, context):\n    {}\n",
    "outputs": "def render(view, settings):\n    {}\n",
}


def is_named(done: Run, said: str) -> None:
    assert "`odd` of odd-ones 1.2 (odd_ones)" in done.stderr
    assert said in done.stderr
    assert "help: report it to the authors of odd-ones 1.2, or uninstall it" in done.stderr
    assert CANARY not in done.stderr + done.stdout
    assert not done.stdout


@pytest.mark.parametrize("group", STATUS)
@pytest.mark.parametrize(("body", "said"), WAYS)
def test_however_a_plug_in_ends_the_run_does_not_end_well(
    project: Project, install: Callable[..., None], group: str, body: str, said: str
) -> None:
    install(group, FUNCTIONS[group].replace("{}", body, 1) if group != "sources" else source(body))
    is_named(with_plug_in(project, group).refused(STATUS[group], "compile"), said)


def test_errors_that_plug_ins_may_raise_keep_their_words_and_status(project: Project, install) -> None:
    install("checks", FUNCTIONS["checks"].replace("{}", "raise UsageError('odd settings', help='mend them')"))
    done = with_plug_in(project, "checks").refused(2, "compile")
    assert done.stderr == "error: odd settings\n  help: mend them\n1 error\n"


WRONG = [
    ("sources", source("return None"), "`the result` must be a ReadResult, not None"),
    ("sources", source("return {}"), "`the result` must be a ReadResult, not a dict"),
    ("sources", source("return ReadResult(answers=None)"), "`the result.answers` must be a tuple, not None"),
    ("sources", source("return ReadResult(answers=(), warnings='no')"), "warnings` must be a tuple, not text"),
    (
        "sources",
        source(answer("Registration(service='a', id='1', node='n', port='80'),")),
        "`the result.answers[0].registrations[0].port` must be a whole number, not text",
    ),
    ("sources", source(answer("Registration(service='a', id='1', node='n', port=True),")), ".port` must be a whole"),
    ("sources", source(answer("Registration(service='a', id='1', node='n', port=2**64),")), "must fit 64 bits"),
    ("sources", source(answer("Registration(service=None, id='1', node='n'),")), ".service` must be text, not None"),
    ("sources", source(answer("Registration(service='\\ud800', id='1', node='n'),")), "half of a surrogate pair"),
    ("sources", source(answer("Registration(service='a', id='1', node='n', tags=['x']),")), ".tags` must be a tuple"),
    ("sources", source(answer("Registration(service='a', id='1', node='n', tags='x'),")), ".tags` must be a tuple"),
    ("sources", source(answer("Registration(service='a', id='1', node='n', meta={'a': 1}),")), "must be text"),
    (
        "sources",
        source(answer("Registration(service='a', id='1', node='n', health='fine'),")),
        ".health` must be `passing` or `warning` or `critical` or `maintenance`, not `fine`",
    ),
    (
        "sources",
        source(answer("*(Registration(service='a', id='1', node='n', port=p) for p in (1, 2)),")),
        "it has the same instance twice: theirs(datacenter=d, node=n, id=1)",
    ),
    ("sources", source(answer().replace("settings.name", "'keep'")), "is for the source `keep`, not for `theirs`"),
    ("sources", source(answer().replace("'d'", "''")), "an answer has no `datacenter`"),
    ("sources", source(answer(), "return None"), "`the result` must be a dict, not None"),
    ("sources", source(answer(), "return {'a': {1, 2}}"), "it contains a value that is not JSON"),
    ("sources", source(answer(), "return {'a': float('nan')}"), "it contains a value that is not JSON"),
    ("sources", "def contribute(settings, known):\n    return ()\n", "must be a Contribution, not a tuple"),
    (
        "sources",
        "def contribute(settings, known):\n    return Contribution(source='keep', endpoints={})\n",
        "it names the source `keep`",
    ),
    ("sources", "def declare(settings):\n    return Contribution\n", "must be a Declaration, not a StructMeta"),
    ("checks", "def findings(*a):\n    return None\n", "must be a list of Finding, not NoneType"),
    ("checks", "def findings(*a):\n    return 'none'\n", "must be a list of Finding, not str"),
    ("checks", "def findings(*a):\n    return ['none']\n", "`item 0` must be a Finding, not text"),
    ("checks", "def findings(*a):\n    return [None]\n", "`item 0` must be a Finding, not None"),
    (
        "checks",
        f"def findings(*a):\n    return [{FINDING.replace(')', ', severity=chr(102) + chr(97))')}]\n",
        "`item 0.severity` must be `error` or `warning`, not `fa`",
    ),
    ("checks", "def findings(*a):\n    return [Finding(rule=1, message='m')]\n", "`item 0.rule` must be text"),
    ("checks", "def findings(*a):\n    return [Finding(rule='r', message=b'm')]\n", "message` must be text, not bytes"),
    (
        "checks",
        "def findings(*a):\n    return [Finding(rule='r', message='m', origin='x:1')]\n",
        "`item 0.origin` must",
    ),
    ("checks", f"def findings(*a):\n    yield {FINDING}\n    raise OSError\n", "findings failed: OSError at odd_ones"),
    ("checks", "def findings(*a):\n    while True: yield " + FINDING + "\n", "it has more than 1,000 items"),
    (
        "checks",
        f"RULES = ({RULE},)\ndef findings(*a):\n    return [{FINDING}]\ndef fold(found):\n    return []\n",
        "it has no error, although there was one to fold",
    ),
    ("outputs", "def render(*a):\n    return None\n", "it must be a Rendering, not NoneType"),
    ("outputs", "def render(*a):\n    return Rendering(artifacts='out.txt')\n", "`artifacts` must be a tuple, not str"),
    ("outputs", "def render(*a):\n    return Rendering(artifacts=(b'',))\n", "must be an Artifact, not bytes"),
    ("outputs", "def render(*a):\n    return Rendering(artifacts=(), findings=None)\n", "must be a list of Finding"),
]


@pytest.mark.parametrize(("group", "code", "said"), WRONG)
def test_a_value_of_a_plug_in_that_is_none_is_refused_by_name(
    project: Project, install, monkeypatch: pytest.MonkeyPatch, group: str, code: str, said: str
) -> None:
    monkeypatch.setattr(plug_ins, "MOST_ITEMS", 1000)
    install(group, code)
    is_named(with_plug_in(project, group).refused(STATUS[group], "compile"), said)


@pytest.mark.parametrize(
    ("path", "chunks", "said"),
    [
        ("PurePosixPath('../frostline.yaml')", "(b'',)", "is `../frostline.yaml`, outside what the output claims"),
        ("PurePosixPath('/etc/odd')", "(b'',)", "is `/etc/odd`, outside what the output claims"),
        ("PurePosixPath('other.txt')", "(b'',)", "is `other.txt`, outside what the output claims"),
        ("PurePosixPath('out.txt/more')", "(b'',)", "outside what the output claims"),
        ("PurePosixPath('')", "(b'',)", "outside what the output claims"),
        ("'out.txt'", "(b'',)", "`artifacts[0].path` must be a PurePosixPath, not text"),
        ("PurePosixPath('out.txt')", "b'text'", "must be a tuple of bytes or what can be read again, not bytes"),
        ("PurePosixPath('out.txt')", "iter([b'text'])", "what can be read again, not list_iterator"),
        ("PurePosixPath('out.txt')", "(b'x' for _ in 'a')", "what can be read again, not generator"),
        ("PurePosixPath('out.txt')", "None", "what can be read again, not NoneType"),
        ("PurePosixPath('out.txt')", "['text']", "a chunk must be bytes, not str"),
        ("PurePosixPath('out.txt')", "type('C', (), {'__iter__': lambda s: sys.exit(0)})()", "SystemExit at odd_ones"),
    ],
)
def test_a_file_of_a_plug_in_stays_where_it_said_and_has_bytes(
    project: Project, install, path: str, chunks: str, said: str
) -> None:
    install("outputs", f"def render(*a):\n    return Rendering(artifacts=(Artifact(path={path}, chunks={chunks}),))\n")
    is_named(with_plug_in(project, "outputs").refused(2, "compile"), said)


@pytest.mark.parametrize("claims", ["None", "'out.txt'", "[Path('/etc')]", "[Claim('/etc')]"])
def test_claims_that_are_none_are_refused_by_name(project: Project, install, claims: str) -> None:
    install(
        "outputs", f"def claims(settings):\n    return {claims}\ndef render(*a):\n    return Rendering(artifacts=())\n"
    )
    is_named(with_plug_in(project, "outputs").refused(2, "compile"), "the result of claims is wrong")


def test_claims_outside_of_root_are_refused(project: Project, install) -> None:
    install("outputs", "def claims(s):\n    return [Claim(Path('/etc/odd'))]\ndef render(*a):\n    raise OSError\n")
    assert "is outside `root`" in with_plug_in(project, "outputs").refused(2, "compile").stderr


@pytest.mark.parametrize("group", STATUS)
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "has no function"),
        ("import nothing_there\n", "the import failed: ModuleNotFoundError (nothing_there)"),
        ("sys.exit(0)\n", "the import failed: SystemExit at odd_ones.py"),
        ("findings = render = read = 3\n", "must be a function, not a whole number"),
        ("RULES = 'odd'\ndef findings(*a): ...\nrender = contribute = findings\nSCHEMA = 3\n", "`SCHEMA` must be"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_named(project: Project, install, group: str, code: str, said: str) -> None:
    install(group, code)
    project = with_plug_in(project, group)
    if group == "checks" and "SCHEMA" in code:
        project.configure({"version": 1, "sources": STATIC, "checks": {"odd": 1}})
    is_named(project.refused(2, "compile"), said)


def test_a_live_source_needs_a_shape(project: Project, install) -> None:
    install("sources", "def read(*a): ...\n")
    is_named(with_plug_in(project, "sources").refused(2, "compile"), "has no function `shape`")


@pytest.mark.parametrize(
    "result", ["None", "PluginSettings", "cursor.value", "Other(**base)", "Other(**{**base, 'type': 'x'})"]
)
def test_settings_that_are_none_of_the_source_are_refused_by_name(project: Project, install, result: str) -> None:
    code = (
        "from frostline.settings import *\nclass Other(SourceSettings): ...\n"
        "def configure(cursor, context):\n"
        "    base = {'name': cursor.key, 'type': 'odd', 'origin': cursor.key_origin}\n"
        f"    return {result}\n"
    )
    install("sources", code + source(answer()))
    is_named(with_plug_in(project, "sources").refused(2, "compile"), "the result of configure is wrong")


@pytest.mark.parametrize(("group", "ours"), [("sources", "static"), ("checks", "policies"), ("outputs", "yaml")])
def test_a_plug_in_does_not_take_a_name_of_ours(project: Project, install, group: str, ours: str) -> None:
    install(group, FUNCTIONS[group], name=ours)
    said = with_plug_in(project, "").refused(2, "compile").stderr
    assert f"have the name `{ours}`: frostline itself; `odd_ones` of odd-ones 1.2" in said
    assert "uninstall all but one" in said


def test_two_plug_ins_of_one_name_are_refused_with_both_packages(project: Project, install) -> None:
    install("sources", source(answer()))
    install("sources", source(answer()), package="even_ones")
    said = with_plug_in(project, "sources").refused(2, "compile").stderr
    assert "2 sources have the name `odd`: `even_ones` of even-ones 1.2; `odd_ones` of odd-ones 1.2" in said


def test_what_a_plug_in_prints_is_no_data(project: Project, install) -> None:
    install("checks", "print('at import')\ndef findings(*a):\n    print('while at work')\n    return []\n")
    done = with_plug_in(project, "checks").run("plan", "--format", "json")
    assert json.loads(done.stdout)["format"] == "frostline.plan/1"
    assert "while at work" in done.stderr


@pytest.mark.parametrize("format", ["sarif", "json", "junit", "github", "markdown"])
def test_a_report_in_each_format_says_which_plug_in_failed(project: Project, install, format: str) -> None:
    install("checks", "RULES = 3\ndef findings(*a):\n    raise OSError\n")
    done = with_plug_in(project, "checks").refused(4, "check", "--format", format)
    assert "odd-ones 1.2" in done.stdout


@pytest.mark.parametrize("group", ["checks", "outputs"])
def test_what_a_plug_in_does_to_the_registry_stays_with_it(project: Project, install, group: str) -> None:
    theirs = {
        "checks": "def findings(registry, *a):\n    registry.services.clear()\n    return []\n",
        "outputs": "def render(view, s):\n    view.registry.services.clear()\n    return Rendering(artifacts=())\n",
    }
    install(group, theirs[group])
    outputs = [{"type": "yaml", "path": "all.yaml"}]
    if group == "outputs":
        outputs.insert(0, {"type": "odd", "path": "out.txt"})
    project.configure({"version": 1, "sources": STATIC, "outputs": outputs}).done("compile")
    assert b"https://billing.example" in project.read("all.yaml")
