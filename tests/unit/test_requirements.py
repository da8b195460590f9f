"""Everything that a checkout installs is locked, and the locks fit pyproject.toml."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = ("test.txt", "oldest.txt")
READERS = ("consumers", "programs")
PIN = re.compile(
    r"^([\w.-]+)==([\w.]+)(?: ; [^\\]+)? \\\n((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def text_of(lock: str) -> str:
    return (ROOT / "requirements" / lock).read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, list[Version]]:
    """The versions of each package; there are several where Pythons or platforms need different ones."""
    found: dict[str, list[Version]] = {}
    for name, version, _ in PIN.findall(text_of(lock)):
        found.setdefault(canonicalize_name(name), []).append(Version(version))
    return found


def requirements() -> list[Requirement]:
    """What pyproject.toml asks for: to run, to test and to build."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = pyproject["project"]
    texts = [
        *project["dependencies"],
        *project["optional-dependencies"]["test"],
        *pyproject["build-system"]["requires"],
    ]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_a_lock_has_every_requirement_within_its_bounds(lock: str, requirement: Requirement) -> None:
    versions = pins(lock).get(canonicalize_name(requirement.name))
    assert versions, f"{requirement.name} is not in requirements/{lock}: make lock"
    assert all(requirement.specifier.contains(version) for version in versions), "make lock"


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_the_oldest_versions_are_the_lower_bounds(requirement: Requirement) -> None:
    (version,) = pins("oldest.txt")[canonicalize_name(requirement.name)]
    for bound in requirement.specifier:
        release = Version(bound.version).release
        assert version.release[: len(release)] == release, "make lock"


@pytest.mark.parametrize("name", READERS)
def test_what_reads_the_outputs_in_tests_is_locked(name: str) -> None:
    wanted = {line for line in text_of(f"{name}.in").splitlines() if line and not line.startswith("#")}
    assert {canonicalize_name(Requirement(line).name) for line in wanted} <= set(pins(f"{name}.txt")), (
        "make lockreaders"
    )


@pytest.mark.parametrize("lock", [*LOCKS, *(f"{name}.txt" for name in READERS)])
def test_a_lock_holds_nothing_but_versions_with_hashes(lock: str) -> None:
    rest = re.sub(r"^ *#.*\n", "", PIN.sub("", text_of(lock)), flags=re.MULTILINE)
    assert not rest
    assert not re.search(r"://|(?:^|\s)/|--(?!hash)", text_of(lock))


def test_the_npm_packages_are_locked_with_hashes_and_no_place_to_fetch_them_from() -> None:
    packages = json.loads(text_of("npm/package-lock.json"))["packages"]
    wanted = json.loads(text_of("npm/package.json"))["dependencies"]
    assert packages.pop("")["dependencies"] == wanted
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []
