"""The generated stub: a wrong service or version is a type error, also where there are thousands of them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mypy.api import run as mypy

from frostline.model import Endpoint, Entry, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.python.output import ModuleText, render
from frostline.outputs.python.stub import MOST_OVERLOADS, stub_text
from frostline.settings import FileOrigin, OutputSettings
from frostline.text import escape_control

ENDPOINT = Endpoint(url="http://x", address="x", port=1, source="mesh")
SERVED = Entry(url="http://x", endpoints=(ENDPOINT,), sources=("mesh",))
DECLARED = Entry(url=None, endpoints=(), sources=("mesh",))
HOSTILE = ["'", '"', '"""', "\\", "a\\", "\n", "\r", "\0", "\u2028", "\u202e", "{}", "#", "\U0001f600", "\U000e0041"]

texts = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def registry(served: Iterable[Key], declared: Iterable[Key] = ()) -> Registry:
    return registry_of(dict.fromkeys(declared, DECLARED) | dict.fromkeys(served, SERVED))


def view_of(frozen: Registry) -> View:
    return View(registry=frozen, prefer=(), preferring=lambda _: frozen)


def type_errors(folder: Path, frozen: Registry, program: str) -> str:
    """What mypy --strict says of a program that uses the module of this registry; "" where all is well."""
    (folder / "registry.py").write_bytes(b"".join(ModuleText(view_of(frozen))))
    (folder / "registry.pyi").write_text(stub_text(frozen), encoding="utf-8")
    (folder / "program.py").write_text(dedent(program), encoding="utf-8")
    options = ["--strict", "--config-file=", "--python-version=3.11", f"--cache-dir={folder / 'cache'}"]
    out, err, status = mypy([*options, str(folder / "registry.pyi"), str(folder / "program.py")])
    return out + err if status else ""


def accepted(frozen: Registry) -> set[Key]:
    """The (service, version)s that the overloads of url() take."""
    tree = ast.parse(stub_text(frozen))
    services = {
        node.targets[0].id: [item.value for item in node.value.slice.elts]  # type: ignore[attr-defined]
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id.startswith("_Services")  # type: ignore[attr-defined]
    }
    found: set[Key] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "url":
            service, version = (argument.annotation for argument in node.args.args)
            versions = {one.value for one in ast.walk(version) if isinstance(one, ast.Constant)}  # type: ignore[arg-type]
            found |= {(name, version) for name in services.get(service.id, ()) for version in versions}  # type: ignore[union-attr]
    return found


def test_right_calls_pass_and_wrong_ones_are_type_errors(tmp_path: Path) -> None:
    frozen = registry(
        [
            ("payments", "v1"),
            ("payments", "v2"),
            ("search", "v1"),
            ("billing", None),
            ("mixed", None),
            ("mixed", "v1"),
            *((text, "v1") for text in HOSTILE),
        ],
        [("ledger", None), ("payments", "v3")],
    )
    # A `type: ignore` that is not needed is an error too: each of them is a wrong call that is found.
    program = """
        from collections.abc import Mapping
        import registry
        from registry import ENDPOINTS, Instance, auth, find, find_instances, find_one, instances, pick, url, urls

        one: str = url("payments", "v1")
        all_of_them: tuple[str, ...] = urls("payments", version="v2")
        found: tuple[Instance, ...] = instances("billing")
        picked: Instance = pick("mixed", key="customer 7")
        scheme: str | None = auth("payments", "v2")
        any_of_them: tuple[Instance, ...] = find_instances(one)
        any_one: Instance = find_one(one, one, key=one)
        url("mixed", "v1")
        url("billing", None)
        url('"', "v1")
        url("\\U000e0041", "v1")
        port: int = picked.port
        owner: str | None = picked.meta.get("owner")
        versions: Mapping[str, tuple[str | None, ...]] = registry.services()
        endpoint: str = ENDPOINTS["anything", None]
        digest: str = registry.DIGEST

        def call(name: str, version: str | None) -> str:
            try:
                return find(name, version)
            except registry.NoEndpoint as error:
                return error.service
            except registry.UnknownService as error:
                return error.version or ""

        url("paymets", "v1")  # type: ignore[call-overload]
        url("payments", "v9")  # type: ignore[call-overload]
        url("payments", "v3")  # type: ignore[call-overload]
        url("payments")  # type: ignore[call-overload]
        url("billing", "v1")  # type: ignore[call-overload]
        url("ledger")  # type: ignore[call-overload]
        url(one, "v1")  # type: ignore[call-overload]
        urls("search", "v2")  # type: ignore[call-overload]
        instances("search")  # type: ignore[call-overload]
        auth("payments", "v9")  # type: ignore[call-overload]
        auth("paymets")  # type: ignore[call-overload]
        pick("search", "v1", 7)  # type: ignore[call-overload]
        ENDPOINTS["payments", "v1"] = "x"  # type: ignore[index]
        registry.DIGEST = "x"  # type: ignore[misc]
        picked.port = 1  # type: ignore[misc]
    """
    assert type_errors(tmp_path, frozen, program) == ""


@pytest.mark.parametrize(
    ("served", "program"),
    [
        ([], 'import registry\nregistry.find("a")\nregistry.url("a")  # type: ignore[arg-type]\n'),
        ([("a", None)], 'from registry import pick\npick("a")\npick("b")  # type: ignore[arg-type]\n'),
    ],
)
def test_no_service_and_one_service_type_check_too(tmp_path: Path, served: list[Key], program: str) -> None:
    assert type_errors(tmp_path, registry(served), program) == ""


def test_many_services_with_many_sets_of_versions_type_check(tmp_path: Path) -> None:
    served = [(f"service-{number:04d}", f"v{number % 7}") for number in range(2000)]
    served += [(f"service-{number:04d}", f"v{number}") for number in range(2000)]
    program = """
        from registry import url
        url("service-0001", "v1")
        url("service-1999", "v1999")
        url("service-1999", "w1999")  # type: ignore[call-overload]
        url("service-2000", "v1")  # type: ignore[call-overload]
    """
    assert type_errors(tmp_path, registry(served), program) == ""


@pytest.mark.parametrize("blacksmith", [False, True])
def test_the_module_has_what_the_stub_says(tmp_path: Path, blacksmith: bool) -> None:
    frozen = registry([("a", "v1"), ("b", None)])
    path, options = tmp_path / "registry.py", {"blacksmith": blacksmith}
    settings = OutputSettings(name="o", type="python", path=path, origin=FileOrigin("f"), options=options)
    view = view_of(frozen)
    for artifact in render(view, settings).artifacts:
        (tmp_path / artifact.path).write_bytes(b"".join(artifact.chunks))
    command = [sys.executable, "-m", "mypy.stubtest", "registry"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(texts, st.none() | texts), max_size=12), st.sets(st.tuples(texts, st.none()), max_size=3))
def test_the_overloads_take_all_that_is_served_and_nothing_else(served: set[Key], declared: set[Key]) -> None:
    frozen = registry(served, declared)
    assert accepted(frozen) == served
    text = stub_text(frozen)
    assert all(escape_control(line) == line for line in text.split("\n"))


def test_there_are_few_overloads_however_many_sets_of_versions_there_are() -> None:
    common = [(f"common-{number}", version) for number in range(3) for version in ("v1", "v2")]
    rare = [(f"rare-{number}", f"v{number}") for number in range(100)] + [("rare-none", None)]
    frozen = registry([*common, *rare])
    assert stub_text(frozen).count("def url(") == MOST_OVERLOADS
    assert accepted(frozen) >= {*common, *rare}
    # The common set stays exact; a name that nobody has is never taken.
    assert {key for key in accepted(frozen) if key[0].startswith("common")} == set(common)
    assert {key[0] for key in accepted(frozen)} == {key[0] for key in (*common, *rare)}


def test_a_service_that_comes_changes_only_the_lines_of_its_group() -> None:
    before = [("a", "v1"), ("b", "v1"), ("c", None)]
    old, new = (stub_text(registry(served)).split("\n") for served in (before, [*before, ("bb", "v1")]))
    assert [line for line in new if line not in old] == ['    "bb",']
    assert [line for line in old if line not in new] == []
