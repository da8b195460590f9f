"""The files of the source jobspec."""

from __future__ import annotations

from typing import Any

from frostline.errors import ErrorGroup, UsageError
from frostline.model import FileOrigin
from frostline.sources.jobspec import source as jobspec

PLACE = FileOrigin("frostline.yaml", 4, 5)
NAMED = 'variable "n" {{\n  {0}\n}}\njob "j" {{\n  group "g" {{\n    service {{\n      name = {1}\n    }}\n  }}\n}}\n'


def name(folder: Any, body: str, expression: str = '"x-${var.n}"', **more: Any) -> str:
    (service,) = folder.declared(NAMED.format(body, expression), **more).services
    return service.service


def configured(**variables: Any) -> dict[str, Any]:
    return {"variables": variables, "places": dict.fromkeys(variables, PLACE)}


def test_every_file_that_is_broken_is_named(folder: Any) -> None:
    (folder.path / "b.nomad.hcl").write_text("b")
    error = folder.refusal("a")
    assert isinstance(error, ErrorGroup)
    assert [str(inner.origin) for inner in error.errors] == ["a.nomad.hcl:1:1", "b.nomad.hcl:1:1"]


def test_a_variable_that_no_file_declares_is_an_error_of_the_configuration(folder: Any) -> None:
    error = folder.refusal('job "j" {}\n', **configured(typo=1))
    assert isinstance(error, UsageError)
    assert str(error.origin) == "frostline.yaml:4:5"


def test_functions_of_files_fail_unless_they_are_allowed_and_stay_inside_root(folder: Any) -> None:
    (folder.path / "name.txt").write_text("from-file")
    inside = NAMED.format("default = 1", 'file("name.txt")')
    assert "filesystem: true" in folder.refusal(inside).message
    (service,) = folder.declared(inside, filesystem=True).services
    assert service.service == "from-file"
    for path in ("../x", "/etc/hostname", "link"):
        (folder.path / "link").unlink(missing_ok=True)
        (folder.path / "link").symlink_to("/etc/hostname")
        error = folder.refusal(NAMED.format("default = 1", f'file("{path}")'), filesystem=True)
        assert "outside the root" in error.message


def test_the_inputs_are_all_files_that_are_read(folder: Any) -> None:
    (folder.path / "name.txt").write_text("from-file")
    (folder.path / "v.hcl").write_text("n = 1\n")
    (folder.path / "a.nomad.hcl").write_text(NAMED.format("default = 1", 'file("name.txt")'))
    found = jobspec.inputs(folder.settings(var_files=(folder.path / "v.hcl",), filesystem=True))
    assert [path.name for path in found] == ["a.nomad.hcl", "name.txt", "v.hcl"]


def test_a_glob_that_fits_nothing_is_a_warning_and_no_file_at_all_an_error(folder: Any, matches_golden: Any) -> None:
    found = folder.declared('job "j" {}\n', files=("*.nomad.hcl", "more/*.hcl"))
    assert [(finding.rule, finding.severity, finding.value) for finding in found.findings] == [
        ("job-files", "warning", "more/*.hcl")
    ]
    matches_golden("job-files", found.findings)
    for files in (("more/*.hcl",), ("a.nomad.hcl", "b.nomad.hcl"), ("",), ("**x/*",)):
        assert isinstance(folder.refusal(files=files), UsageError)


def test_a_file_that_is_too_large_or_cannot_be_read_is_refused(folder: Any) -> None:
    for name in ("a.nomad.hcl", "a.json"):
        (folder.path / name).write_bytes(b" " * (2**20 + 1))
        assert "larger than 1 MiB" in folder.refusal(files=(name,)).message
        (folder.path / name).unlink()
    (folder.path / "v.hcl").mkdir()
    assert "cannot be read" in folder.refusal('job "j" {}\n', var_files=(folder.path / "v.hcl",)).message
