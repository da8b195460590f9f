"""Functions that read files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from frostline.hcl.functions.base import Function, FunctionError
from frostline.hcl.functions.files import file_functions
from frostline.hcl.values import string
from frostline.regexes import Spend


@pytest.mark.parametrize("name", ["basename", "dirname", "file", "filebase64", "fileexists", "fileset"])
def test_calls_are_what_nomad_recorded(name: str, differences: Callable[[str], list[Any]]) -> None:
    assert differences(name) == []


@pytest.fixture
def functions(tmp_path: Path) -> Mapping[str, Function]:
    for name in ("a.txt", "b/c.txt", "b/d.hcl", ".git/config", "b/.GIT/x.txt"):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "root" / "binary").write_bytes(b"\xff")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "root" / "harmless").symlink_to(".git/config")
    (tmp_path / "root" / "loop").symlink_to("loop")
    return file_functions(tmp_path / "root", tmp_path / "root", lambda _: None)


def call(functions: Mapping[str, Function], name: str, *arguments: str) -> Any:
    return functions[name].call(*map(string, arguments)).data


def test_files_are_read_relative_to_the_folder(functions: Mapping[str, Function]) -> None:
    assert call(functions, "file", "b/c.txt") == "b/c.txt"
    assert call(functions, "filebase64", "binary") == "/w=="
    assert [call(functions, "fileexists", name) for name in ("a.txt", "x")] == [True, False]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.txt", ["a.txt"]),
        ("**/*.txt", ["a.txt", "b/c.txt"]),
        ("b/{c,d}.*", ["b/c.txt", "b/d.hcl"]),
        ("b/[!c]*", ["b/d.hcl"]),
        ("?.txt", ["a.txt"]),
        ("link", []),
        ("loop", []),
        ("**/*", ["a.txt", "b/c.txt", "b/d.hcl", "binary"]),
        ("{harmless,.git/*}", []),
    ],
)
def test_a_glob_finds_files_inside_the_root(functions: Mapping[str, Function], pattern: str, names: list[str]) -> None:
    assert [item.data for item in fileset(functions, pattern)] == names


def fileset(functions: Mapping[str, Function], pattern: str, spend: Spend = lambda steps: None) -> Any:
    return functions["fileset"].call(spend, string("."), string(pattern)).data


def test_a_glob_takes_steps(functions: Mapping[str, Function], tmp_path: Path) -> None:
    deep = tmp_path / "root" / "/".join("ab" * 15)
    deep.mkdir(parents=True)
    (deep / "a.txt").write_text("")
    spent: list[int] = []
    assert not fileset(functions, "**/" * 20 + "x", spent.append)
    assert 100 < sum(spent) < 20_000
    with pytest.raises(FunctionError, match="more than 4096 characters"):
        fileset(functions, "*" * 4097)


@pytest.mark.parametrize(
    ("name", "path", "message"),
    [
        ("file", "../secret", "outside the root"),
        ("file", "link", "outside the root"),
        ("file", "b", "cannot be read"),
        ("file", "x", "cannot be read"),
        ("file", ".git/config", "inside a .git folder"),
        ("file", "b/../.git/config", "inside a .git folder"),
        ("filebase64", "harmless", "inside a .git folder"),
        ("fileexists", "b/.GIT/x.txt", "inside a .git folder"),
        ("file", "binary", "is not UTF-8"),
        ("file", "a\0b", "is not a path"),
        ("fileexists", "b", "is not a file"),
    ],
)
def test_a_file_outside_the_root_is_refused(
    functions: Mapping[str, Function], name: str, path: str, message: str
) -> None:
    with pytest.raises(FunctionError, match=message):
        call(functions, name, path)


def test_every_function_fails_without_a_folder() -> None:
    for function in file_functions(None, Path("/"), lambda _: None).values():
        with pytest.raises(FunctionError, match="filesystem: true"):
            function.call(string("a"))
