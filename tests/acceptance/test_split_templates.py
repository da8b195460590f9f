"""A template output with a file for each (service, version), from the command's side: which files are its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project import STATIC, Project, Run


@pytest.fixture
def project(tmp_path: Path, run_here: Callable[..., Run]) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, run_here)


def split(services: dict[str, Any], path: str = "conf/{name}.conf") -> dict[str, Any]:
    return {
        **STATIC,
        "sources": {"partners": {"type": "static", "services": services}},
        "outputs": [{"type": "template", "template": "t.j2", "path": path, "split": "entry"}],
    }


def test_a_file_appears_and_vanishes_with_its_service(project: Project) -> None:
    project.write("t.j2", "{{ entry.name }} {{ entry.url }}\n")
    project.write("conf/ours.conf", "a file of the user's")
    urls = {name: f"http://{name}.example/" for name in ("a", "b", "c", "d", "e", "f")}
    project.configure(split(urls)).done("compile")
    assert project.read("conf/a.conf") == b"a http://a.example/\n"
    written = {path for path in project.contents() if path.endswith(".conf")}
    assert written == {f"conf/{name}.conf" for name in (*urls, "ours")}
    del urls["b"]
    urls["g"] = {"v1": "http://g.example/v1"}  # type: ignore[assignment]
    project.configure(split(urls)).done("compile")
    written = {path for path in project.contents() if path.endswith(".conf")}
    assert written == {f"conf/{name}.conf" for name in ("a", "c", "d", "e", "f", "g-v1", "ours")}
    assert project.done("check").returncode == 0
    project.configure({**STATIC, "outputs": STATIC["outputs"]})
    project.refused(4, "compile", "--allow", "deletes")
    project.done("compile", "--allow", "orphans,deletes")
    assert {path for path in project.contents() if path.endswith(".conf")} == {"conf/ours.conf"}


def test_a_file_that_stands_in_the_way_is_not_overwritten(project: Project) -> None:
    project.write("t.j2", "{{ entry.name }}\n")
    project.write("conf/a.conf", "a file of the user's")
    project.configure(split({"a": "http://a.example/"}))
    assert "conf/a.conf" in project.refused(4, "compile").stderr
    project.done("compile", "--allow", "adopt")
    assert project.read("conf/a.conf") == b"a\n"


def test_names_that_no_file_may_have_stay_in_the_folder(project: Project) -> None:
    project.write("t.j2", "{{ entry.service | json }}\n")
    names = ["..", ".", "a/b", "../../x", ".git", "A\n", "é", "con"]
    project.configure(split(dict.fromkeys([*names, "a" * 300], "http://a/"), "conf/{name}/x")).done("compile")
    folders = {path.split("/")[1] for path in project.contents() if path.count("/") == 2 and path.endswith("/x")}
    (cut,) = {folder for folder in folders if folder.startswith("aaa")}
    assert folders - {cut} == {"%2E.", "%2E", "a%2Fb", "%2E.%2F..%2Fx", "%2Egit", "A%0A", "%C3%A9", "con"}
    assert len(cut) == 200


def test_files_that_would_be_one_are_a_finding(project: Project) -> None:
    project.write("t.j2", "x\n")
    services = {"Shop": "http://a/", "shop": "http://b/", "a-b": "http://c/", "a": {"b": "http://d/"}}
    refused = project.configure(split(services)).refused(4, "compile")
    assert "the files of `Shop` and `shop` have the same path where file names ignore case: shop.conf" in refused.stderr
    assert "the files of `a/b` and `a-b` have the same path: a-b.conf" in refused.stderr
    project.configure(split(services, "conf/{service}/{version}")).refused(4, "compile")
    del services["shop"]
    project.configure(split(services, "conf/{service}/{version}")).done("compile")
    assert project.read("conf/a/b") == project.read("conf/a-b/unversioned") == b"x\n"


def test_an_error_names_the_service_of_the_file(project: Project) -> None:
    project.write("t.j2", "a\n{{ vars.nope if entry.version }}\n")
    project.configure(split({"a": "http://a/", "b": {"v1": "http://b/"}}))
    assert "service `b/v1`: there is no 'nope' here" in project.refused(2, "compile").stderr
