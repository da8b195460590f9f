"""samples/plug-in, a package outside of frostline: built and installed as it is, it works as its page says."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from hatchling.build import build_wheel
from project import Project, Run

from frostline import plug_ins

SAMPLE = Path(__file__).parents[2] / "samples" / "plug-in"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the contents of the sample's wheel, as pip unpacks it."""
    folder = tmp_path_factory.mktemp("plug-in")
    shutil.copytree(SAMPLE, folder / "package", ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "package")
        wheel = build_wheel(str(folder))
    with zipfile.ZipFile(folder / wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def example(
    site: Path, tmp_path: Path, run_here: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A copy of the example of the sample, which is installed."""
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    plug_ins.installed.cache_clear()
    shutil.copytree(SAMPLE / "example", tmp_path / "example")
    yield Project(tmp_path / "example", run_here)
    plug_ins.installed.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "fleet_files"]:
        del sys.modules[name]


def test_the_page_of_the_sample_says_what_happens(example: Project) -> None:
    page = (SAMPLE / "README.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", page, re.MULTILINE)
    assert len(steps) == 7
    for command, wanted in steps:
        if command.startswith("frostline "):
            done = example.run(*command.split()[1:])
            printed = done.stdout + done.stderr
        else:
            ran = subprocess.run(["sh", "-c", command], cwd=example.folder, capture_output=True, text=True, check=True)
            printed = ran.stdout
        assert printed.startswith(wanted) if wanted else not printed, (command, printed)


def test_it_is_a_package_that_others_may_use(site: Path, example: Project) -> None:
    assert distribution("fleet-files").metadata["License-Expression"] == "MIT"
    assert [path.name for path in (site / "fleet_files-1.0.dist-info").rglob("LICENSE")] == ["LICENSE"]


@pytest.mark.parametrize(
    ("csv", "place", "said"),
    [
        ("name,address\nx,y\n", "1:1", "the first line is not that of a fleet file"),
        ("", "1:1", "the first line is not that of a fleet file"),
        ("name,address,port,owner\na,10.0.0.1,80\n", "2:1", "more or fewer than four columns"),
        ("name,address,port,owner\na,10.0.0.1,80,shop,x\n", "2:1", "more or fewer than four columns"),
        ("name,address,port,owner\n,10.0.0.1,80,shop\n", "2:1", "the line has no name"),
        ("name,address,port,owner\na,10.0.0.1,http,shop\n", "2:1", "the port is `http`, which is no number"),
    ],
)
def test_a_broken_file_of_the_source_is_an_error_with_its_line(
    example: Project, csv: str, place: str, said: str
) -> None:
    example.write("fleet.csv", csv)
    error = example.refused(3, "compile").stderr
    assert f"fleet.csv:{place}: error: " in error
    assert said in error


def test_a_file_of_the_source_that_is_not_there_is_an_error(example: Project) -> None:
    (example.folder / "fleet.csv").unlink()
    assert "fleet.csv:1:1: error: the file cannot be read" in example.refused(3, "compile").stderr


def test_what_it_writes_is_safe_whatever_the_file_says(example: Project) -> None:
    example.write("fleet.csv", 'name,address,port,owner\n../up,10.0.0.1,80,"=1+1"\n"a,""b",::1,81,"sh,op"\n')
    example.write(
        "frostline.yaml", (example.folder / "frostline.yaml").read_text().replace("[shop, ledger]", '["=1+1", "sh,op"]')
    )
    example.done("compile")
    assert sorted(path.name for path in (example.folder / "tables").iterdir()) == ["%2E.%2Fup.csv", "a%2C%22b.csv"]
    assert example.read("tables/%2E.%2Fup.csv").endswith(b"unversioned,http://10.0.0.1:80,'=1+1\n")
    assert example.read("tables/a%2C%22b.csv").endswith(b'unversioned,http://[::1]:81,"sh,op"\n')


def test_no_other_output_lies_in_its_folder(example: Project) -> None:
    text = (example.folder / "frostline.yaml").read_text()
    example.write("frostline.yaml", f"{text}  - {{type: yaml, path: tables/x.yaml}}\n")
    assert "two outputs overlap" in example.refused(2, "compile").stderr


def test_a_saved_plan_must_find_the_file_of_the_source_unchanged(example: Project) -> None:
    example.run("plan", "--out", "saved.plan")
    example.write("fleet.csv", example.read("fleet.csv").decode().replace("10.1.0.11", "10.1.0.99"))
    assert "fleet.csv" in example.refused(4, "compile", "--plan", "saved.plan").stderr
