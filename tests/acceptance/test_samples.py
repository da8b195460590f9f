"""The samples are true: each compiles offline to exactly the files that are committed, and can be read as it says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

SAMPLES = Path(__file__).parents[2] / "samples"
TODAY = ("--today", "2026-12-01")

Run = Callable[..., subprocess.CompletedProcess[str]]


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """`copied(name)`: all samples in a folder of their own; the path of this one."""

    def copy(name: str) -> Path:
        shutil.copytree(SAMPLES, tmp_path / "samples", ignore=shutil.ignore_patterns("__pycache__"))
        return tmp_path / "samples" / name

    return copy


def names() -> list[str]:
    return sorted(path.parent.name for path in SAMPLES.glob("*/frostline.yaml"))


@pytest.mark.parametrize("name", names())
def test_a_sample_is_what_frostline_makes_of_it(name: str, copied: Callable[[str], Path], run_frostline: Run) -> None:
    sample = copied(name)
    before = files_of(sample)
    assert "README.md" in before
    checked = run_frostline("check", *TODAY, cwd=sample)
    assert (checked.returncode, checked.stdout) == (0, "")
    compiled = run_frostline("compile", "--offline", *TODAY, cwd=sample)
    assert compiled.returncode == 0, compiled.stderr
    assert files_of(sample) == before


@pytest.mark.parametrize("name", names())
def test_a_sample_compiles_to_the_same_files_from_nothing(
    name: str, copied: Callable[[str], Path], run_frostline: Run
) -> None:
    sample = copied(name)
    before = files_of(sample)
    for line in (sample / "frostline.manifest").read_text().splitlines():
        if '"path":"' in line:
            (sample / line.split('"path":"')[1].split('"')[0]).unlink()
    (sample / "frostline.manifest").unlink()
    compiled = run_frostline("compile", "--offline", *TODAY, cwd=sample)
    assert compiled.returncode == 0, compiled.stderr
    assert files_of(sample) == before


def test_a_program_reads_the_quickstart_with_the_standard_library_alone() -> None:
    program = "import registry; print(registry.url('payments', 'v1'), registry.urls('payments', 'v1'))"
    folder = SAMPLES / "quickstart" / "app"
    read = subprocess.run(
        [sys.executable, "-I", "-B", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.startswith("http://10.1.0.12:8080/v1 ('http://10.1.0.11:8080/v1', ")


def test_puppet_reads_the_quickstart_in_each_datacenter(puppet_lookup: Callable[..., dict[str, Any]]) -> None:
    data = SAMPLES / "quickstart" / "puppet" / "data"
    keys = ["frostline::service::payments", "profile::basket_v2::url", "frostline::index"]
    seen = {dc: puppet_lookup(data, keys, {"datacenter": dc}) for dc in ("dc1", "dc2", "elsewhere")}
    urls = {dc: values["frostline::service::payments"]["v1"]["url"] for dc, values in seen.items()}
    assert urls == {
        "dc1": "http://10.1.0.12:8080/v1",
        "dc2": "http://10.2.0.9:8080/v1",
        "elsewhere": "http://10.1.0.12:8080/v1",
    }
    assert seen["dc1"]["profile::basket_v2::url"] == "http://10.1.0.11:8081/v2"
    assert seen["elsewhere"]["frostline::index"]["ledger"] == "frostline::service::ledger"


def test_puppet_fills_the_class_parameters_that_were_kept_by_hand(
    puppet_lookup: Callable[..., dict[str, Any]],
) -> None:
    sample = SAMPLES / "from-hiera"
    before = yaml.safe_load((sample / "before" / "common.yaml").read_text())
    frozen = puppet_lookup(sample / "data" / "frostline", [key for key in before if key.startswith("profile")])
    stays = yaml.safe_load((sample / "data" / "common.yaml").read_text())
    moved = {"profile::shop::payments_url": "http://10.1.0.12:8080/v1"}
    assert {**stays, **frozen} == {**before, **moved}


CONFIGURATIONS = ["router/nginx/router.conf", "reference/nginx/router.conf", "from-consul-template/nginx/shop.conf"]


@pytest.mark.parametrize("path", CONFIGURATIONS)
def test_nginx_takes_the_routers_configuration(path: str, nginx: Callable[[str], str]) -> None:
    text = (SAMPLES / path).read_text()
    assert nginx(text.replace("listen 80;", "listen 127.0.0.1:@PORT@;"))
