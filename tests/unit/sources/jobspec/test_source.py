"""The files of the source jobspec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.model import Declaration, FileOrigin
from frostline.settings import JobspecSettings
from frostline.sources.jobspec import source as jobspec

PLACE = FileOrigin("frostline.yaml", 4, 5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(folder: Path, **more: Any) -> JobspecSettings:
    more.setdefault("files", ("*.nomad.hcl",))
    return JobspecSettings(name="jobs", origin=PLACE, folder=folder, root=folder, files_origin=PLACE, **more)


def declared(folder: Path, text: str = "", **more: Any) -> Declaration:
    if text:
        (folder / "a.nomad.hcl").write_text(text, encoding="utf-8")
    return jobspec.declare(settings(folder, **more))


def refusal(folder: Path, text: str = "", **more: Any) -> FrostlineError:
    with pytest.raises(FrostlineError) as caught:
        declared(folder, text, **more)
    return caught.value


def place(error: FrostlineError) -> str:
    return str(error.origin)


NAMED = 'variable "n" {{\n  {0}\n}}\njob "j" {{\n  group "g" {{\n    service {{\n      name = {1}\n    }}\n  }}\n}}\n'


def name(folder: Path, body: str, expression: str = '"x-${var.n}"', **more: Any) -> str:
    (service,) = declared(folder, NAMED.format(body, expression), **more).services
    return service.service


def configured(**variables: Any) -> dict[str, Any]:
    return {"variables": variables, "places": dict.fromkeys(variables, PLACE)}


def test_every_file_that_is_broken_is_named(folder: Path) -> None:
    (folder / "b.nomad.hcl").write_text("b")
    error = refusal(folder, "a")
    assert isinstance(error, ErrorGroup)
    assert [place(one) for one in error.errors] == ["a.nomad.hcl:1:1", "b.nomad.hcl:1:1"]


def test_a_variable_that_no_file_declares_is_an_error_of_the_configuration(folder: Path) -> None:
    error = refusal(folder, 'job "j" {}\n', **configured(typo=1))
    assert isinstance(error, UsageError)
    assert place(error) == "frostline.yaml:4:5"


def test_functions_of_files_fail_unless_they_are_allowed_and_stay_inside_root(folder: Path) -> None:
    (folder / "name.txt").write_text("from-file")
    inside = NAMED.format("default = 1", 'file("name.txt")')
    assert "filesystem: true" in refusal(folder, inside).message
    (service,) = declared(folder, inside, filesystem=True).services
    assert service.service == "from-file"
    for path in ("../x", "/etc/hostname", "link"):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to("/etc/hostname")
        error = refusal(folder, NAMED.format("default = 1", f'file("{path}")'), filesystem=True)
        assert "outside the root" in error.message


def test_the_inputs_are_all_files_that_are_read(folder: Path) -> None:
    (folder / "name.txt").write_text("from-file")
    (folder / "v.hcl").write_text("n = 1\n")
    (folder / "a.nomad.hcl").write_text(NAMED.format("default = 1", 'file("name.txt")'))
    found = jobspec.inputs(settings(folder, var_files=(folder / "v.hcl",), filesystem=True))
    assert [path.name for path in found] == ["a.nomad.hcl", "name.txt", "v.hcl"]


def test_a_glob_that_fits_nothing_is_a_warning_and_no_file_at_all_an_error(folder: Path) -> None:
    found = declared(folder, 'job "j" {}\n', files=("*.nomad.hcl", "more/*.hcl"))
    assert [(one.rule, one.severity, one.value) for one in found.findings] == [("job-files", "warning", "more/*.hcl")]
    for files in (("more/*.hcl",), ("a.nomad.hcl", "b.nomad.hcl"), ("",), ("**x/*",)):
        assert isinstance(refusal(folder, files=files), UsageError)


def test_a_file_that_is_too_large_or_cannot_be_read_is_refused(folder: Path) -> None:
    for name in ("a.nomad.hcl", "a.json"):
        (folder / name).write_bytes(b" " * (2**20 + 1))
        assert "larger than 1 MiB" in refusal(folder, files=(name,)).message
        (folder / name).unlink()
    (folder / "v.hcl").mkdir()
    assert "cannot be read" in refusal(folder, 'job "j" {}\n', var_files=(folder / "v.hcl",)).message
