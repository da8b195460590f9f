"""The direction of the package: which module may know which, read from the imports themselves."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import frostline

PACKAGE = Path(frostline.__file__).parent

SHARED = {"model", "settings", "errors", "diagnostics", "resources", "globs", "patterns", "stages"}
"""The vocabulary: values and pure functions that every stage may use."""

STAGES = {
    "config": "config",
    "config_checks": "config",
    "config_outputs": "config",
    "config_paths": "config",
    "config_schema": "config",
    "config_sources": "config",
    "config_urls": "config",
    "config_values": "config",
    "config_yaml": "config",
    "hcl": "hcl",
    "sources": "sources",
    "registry": "registry",
    "lock": "lock",
    "checks": "checks",
    "outputs": "outputs",
    "reporters": "reporters",
    "plan": "plan",
    "saved_plan": "plan",
    "explaining": "explaining",
    "graphing": "graphing",
    # Publishing is one stage in six modules: what is on disk, whose it is, and how it is replaced.
    "targets": "publishing",
    "journal": "publishing",
    "recovery": "publishing",
    "manifest": "publishing",
    "ownership": "publishing",
    "publish": "publishing",
}

KNOWS_ALL = {
    "child": 0,
    "freezing": 1,
    "rendering": 1,
    "spool": 2,
    "pipeline": 3,
    "console": 4,
    "progress": 5,
    "planning": 4,
    "ahead": 4,
    "invoking": 5,
    "commands": 6,
    "showing": 6,
    "cli": 7,
    "__main__": 8,
}
"""These alone know several stages; each knows those of them with a smaller number."""

EXCEPTIONS = {
    ("config_sources", "sources.base"): "which types of sources there are is in one table, plug-ins included",
    ("config_checks", "checks.addresses"): "what a network and a range of ports are is said once",
    ("config_outputs", "outputs.base"): "which types of outputs there are is in one table, plug-ins included",
    ("explaining", "registry.naming"): "explain says what the registry's own rules say of one name",
    ("explaining", "registry.selection"): "explain says why selection itself left an instance out",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def is_module(name: str) -> bool:
    path = PACKAGE.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imported(tree: ast.Module) -> Iterator[str]:
    """The modules of frostline that are imported anywhere in it, functions included; without `frostline.`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a module is"
            assert node.module is not None
            names = [
                full if is_module(full.removeprefix("frostline.")) else node.module
                for full in (f"{node.module}.{alias.name}" for alias in node.names)
            ]
        else:
            continue
        yield from (name.removeprefix("frostline.") for name in names if name.startswith("frostline."))


IMPORTS = [(name, found) for name, tree in modules() for found in sorted(set(imported(tree)))]


def top(name: str) -> str:
    return name.split(".", 1)[0]


def fault(name: str, found: str) -> str | None:
    """Why the module `name` may not import `found`; None: it may."""
    if top(found) in SHARED:
        return None
    if top(name) in SHARED:
        return "the shared words know no stage"
    if top(found) in KNOWS_ALL:
        allowed = KNOWS_ALL.get(name, 0) > KNOWS_ALL[found]
        return None if allowed else "what knows the order of the stages is known by none of them"
    if top(found) == "hcl" and top(name) in ("hcl", "sources"):
        return None  # a language, not a stage: whoever reads files in it may know it, and it knows nobody
    if name in KNOWS_ALL or STAGES[top(name)] == STAGES[top(found)] or (name, found) in EXCEPTIONS:
        return None
    return f"the stage {STAGES[top(name)]} knows the stage {STAGES[top(found)]}"


def test_every_module_has_its_place() -> None:
    tops = {top(name) for name, _ in modules()}
    assert tops - {"__init__"} == SHARED | set(STAGES) | set(KNOWS_ALL)


def test_no_stage_imports_another_one() -> None:
    faults = [f"{name} imports {found}: {reason}" for name, found in IMPORTS if (reason := fault(name, found))]
    assert faults == []


def test_every_exception_is_still_used() -> None:
    assert set(EXCEPTIONS) <= set(IMPORTS)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sources.consul", "registry.naming"),
        ("hcl.evaluation", "sources.jobspec"),
        ("registry.declaring", "hcl.values"),
        ("registry.selection", "lock"),
        ("checks.guards", "manifest"),
        ("outputs.yaml", "reporters.json"),
        ("plan", "pipeline"),
        ("model", "lock"),
        ("freezing", "pipeline"),
        ("pipeline", "commands"),
        ("lock", "commands"),
    ],
)
def test_an_import_against_the_direction_would_be_seen(name: str, found: str) -> None:
    assert fault(name, found) is not None


def test_an_import_within_a_function_is_seen() -> None:
    tree = ast.parse("def f():\n    from frostline import pipeline\n    import frostline.lock\n")
    assert set(imported(tree)) == {"pipeline", "lock"}


def loaded(*arguments: str) -> set[str]:
    """The top-level modules that this command has imported when it ends."""
    code = (
        "import sys, json\n"
        f"sys.argv = ['frostline', *{list(arguments)!r}]\n"
        "from frostline.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_version_imports_neither_click_nor_msgspec() -> None:
    heavy = {"click", "msgspec", "yaml", "jinja2", "rich", "jsonschema", "jsonschema_rs", "ssl"}
    assert not loaded("--version") & heavy


def test_help_imports_no_stage() -> None:
    assert not loaded("--help") & {"yaml", "jinja2", "rich", "jsonschema", "jsonschema_rs", "ssl", "consul"}
