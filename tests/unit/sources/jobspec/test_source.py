"""The files of the source jobspec."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.errors import ErrorGroup, SourceError, UsageError
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


def test_file_functions_fail_unless_they_are_allowed_and_stay_inside_root(folder: Any) -> None:
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


def test_a_glob_without_a_match_is_a_warning_and_no_file_at_all_is_an_error(folder: Any, matches_golden: Any) -> None:
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
        error = folder.refusal(files=(name,))
        assert "larger than 1 MiB" in error.message
        assert "right to read" not in error.help
        (folder.path / name).unlink()
    (folder.path / "v.hcl").mkdir()
    os.mkfifo(folder.path / "fifo")
    (folder.path / "loop").symlink_to("loop")
    another = "name another file, or leave this one out"
    helps = {"v.hcl": another, "fifo": another, "loop": another, "absent": "write it, or correct its path"}
    for name, help_line in helps.items():
        error = folder.refusal('job "j" {}\n', var_files=(folder.path / name,))
        assert "cannot be read" in error.message
        assert error.help == help_line


def write(folder: Any, *names: str) -> None:
    """Write job files with one service each, which is called FOLDER-FILE-g."""
    for name in names:
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        job = f"{Path(name).parent.name or 'top'}-{path.name.partition('.')[0]}"
        path.write_text(f'job "{job}" {{\n group "g" {{\n service {{}}\n }}\n}}\n')


@pytest.mark.parametrize(
    ("files", "services"),
    [
        (("jobs/**/*.hcl",), ["jobs-a-g", "old-b-g", "old-c-g"]),
        (("jobs/**/*.hcl", "!jobs/old/**"), ["jobs-a-g"]),
        (("jobs/**/*.hcl", "!jobs/old"), ["jobs-a-g", "old-b-g", "old-c-g"]),
        (("jobs/**/*.hcl", "!jobs/old/*", "jobs/old/c.hcl"), ["jobs-a-g", "old-c-g"]),
        (("!jobs/old/**", "jobs/**/*.hcl"), ["jobs-a-g", "old-b-g", "old-c-g"]),
        (("jobs/**", "!**/b.hcl"), ["jobs-a-g", "old-c-g"]),
        (("jobs/**/*.hcl", "!nowhere/**"), ["jobs-a-g", "old-b-g", "old-c-g"]),
        (("jobs/a.hcl", "!jobs/*.json"), ["jobs-a-g"]),
    ],
)
def test_an_exclamation_mark_excludes_files_and_the_last_match_wins(
    folder: Any, files: tuple[str, ...], services: list[str]
) -> None:
    write(folder, "jobs/a.hcl", "jobs/old/b.hcl", "jobs/old/c.hcl")
    assert [service.service for service in folder.declared(files=files).services] == services


def test_a_link_that_a_glob_finds_stays_in_its_folder_but_a_path_may_lead_anywhere(folder: Any) -> None:
    write(folder, "jobs/a.hcl", "shared/b.hcl", "jobs/real/c.hcl")
    (folder.path / "jobs" / "out.hcl").symlink_to(folder.path / "shared" / "b.hcl")
    (folder.path / "jobs" / "in.hcl").symlink_to(folder.path / "jobs" / "real" / "c.hcl")
    error = folder.refusal(files=("jobs/*.hcl",))
    assert isinstance(error, UsageError)
    assert "it matches `jobs/out.hcl`, a link that leads out of `jobs`" in error.message
    for files in (("jobs/*.hcl", "!jobs/out.hcl"), ("jobs/*.hcl", "jobs/out.hcl"), ("**/*.hcl",)):
        assert folder.declared(files=files).services


def test_globs_that_leave_no_file_are_refused(folder: Any) -> None:
    write(folder, "jobs/a.hcl")
    for files in (("jobs/*.hcl", "!jobs/**"), ("!jobs/*.hcl",)):
        assert "no file matches" in folder.refusal(files=files).message


def test_a_glob_whose_search_would_not_end_is_refused(folder: Any) -> None:
    write(folder, "jobs/a.hcl")
    for files in (("**/**/**/**/*.hcl",), ("jobs/*.hcl", "!**/**/**/**")):
        assert "it has 4 `**`, at most 3 are searched" in folder.refusal(files=files).message


def test_a_file_that_cannot_be_read_is_left_out_with_a_warning_if_partial(folder: Any, matches_golden: Any) -> None:
    write(folder, "a.nomad.hcl")
    (folder.path / "b.nomad.hcl").write_text('job "b" {\n datacenters = [{}.absent]\n}\n')
    found = folder.declared(partial=True)
    assert len(found.services) == 1
    matches_golden("job-file-skipped", found.findings)
    (folder.path / "c.nomad.hcl").write_text(
        'variable "v" {}\njob "c" {\n group "g" {\n service { name = var.v }\n }\n}\n'
    )
    (folder.path / "d.nomad.hcl").write_text('job "[[ .x ]]" {}\n')
    found = folder.declared(partial=True)
    assert [str(finding.origin).split(":")[0][0] for finding in found.findings] == ["b", "c", "d"]
    assert {finding.rule for finding in found.findings} == {"job-file-skipped"}


def test_variables_that_only_a_skipped_file_may_declare_are_not_an_error(folder: Any) -> None:
    write(folder, "a.nomad.hcl")
    (folder.path / "b.nomad.hcl").write_text('variable "v" {}\njob {}\n')
    assert len(folder.declared(partial=True, **configured(v="x")).services) == 1


def test_files_are_relative_to_the_working_directory_whatever_folder_the_job_file_is_in(folder: Any) -> None:
    (folder.path / "jobs").mkdir()
    (folder.path / "jobs" / "a.hcl").write_text(NAMED.format("default = 1", 'trimspace(file("jobs/name.txt"))'))
    (folder.path / "jobs" / "name.txt").write_text("shop\n")
    more = {"files": ("jobs/*.hcl",), "filesystem": True}
    (service,) = folder.declared(**more).services
    assert service.service == "shop"
    assert "cannot be read" in folder.refusal(**more, working_directory=folder.path / "jobs").message


def test_the_working_directory_is_root_where_root_is_inside_of_the_folder(folder: Any) -> None:
    settings = folder.settings()
    assert settings.working_folder == folder.path
    assert replace(settings, root=folder.path / "out").working_folder == folder.path / "out"
    assert replace(settings, root=folder.path.parent).working_folder == folder.path
    assert replace(settings, working_directory=folder.path / "x").working_folder == folder.path / "x"


def test_templates_of_levant_and_pack_are_one_error_that_says_how_to_exclude_them(folder: Any) -> None:
    write(folder, "a.nomad.hcl")
    (folder.path / "b.nomad.hcl").write_text('job "x" {\n group "g" {\n count = [[ var "count" . ]]\n }\n}\n')
    (folder.path / "c.nomad.hcl").write_text('job "x" {\n group "g" {\n service {\n name = "[[ .name ]]"\n }\n }\n}\n')
    (folder.path / "d.nomad.hcl").write_text('{"Job": {"ID": [[ .id ]]}}')
    error = folder.refusal()
    assert isinstance(error, SourceError)
    assert "Levant or Nomad Pack" in error.message
    assert "so are `c.nomad.hcl` and `d.nomad.hcl`" in error.message
    assert str(error.origin) == "b.nomad.hcl:3:10"
    assert error.help is not None
    excluded = tuple(word.strip('",]') for word in error.help.split() if word.startswith('"!'))
    assert excluded == ("!b.nomad.hcl", "!c.nomad.hcl", "!d.nomad.hcl")
    assert len(folder.declared(files=("*.nomad.hcl", *excluded)).services) == 1


@pytest.mark.parametrize(
    "line",
    [
        'meta {\n x = jsonencode([["a", "b"], ["c"]])\n }',
        'task "t" {\n template {\n left_delimiter = "[["\n data = "[[ .Data ]]"\n }\n }',
        'task "t" {\n config {\n args = ["-c", "if [[ -f x ]]; then y; fi"]\n }\n }',
        "count = 3 # [[ a comment ]]",
    ],
)
def test_double_brackets_in_hcl_or_in_a_task_do_not_make_a_template(folder: Any, line: str) -> None:
    assert len(folder.job(group=line, service="").services) == 1


def test_an_error_elsewhere_in_a_file_with_double_brackets_keeps_its_message(folder: Any) -> None:
    error = folder.refusal('job "x" {\n # [[ a comment ]]\n datacenters = [\n}\n')
    assert "Levant" not in error.message
    assert str(error.origin) == "a.nomad.hcl:4:1"


@pytest.mark.parametrize("suffix", [".json", ".nomad", ".hcl", ".tf.txt"])
@pytest.mark.parametrize(
    "text",
    [
        'job "s" {\n group "g" {\n service {}\n }\n}\n',
        'job "s" {\r\n group "g" {\r\n service {}\r\n }\r\n}\r\n',
        '{"Job": {"ID": "s", "TaskGroups": [{"Name": "g", "Services": [{}]}]}}',
        '{"ID": "s", "TaskGroups": [{"Name": "g", "Services": [{}]}]}',
        '\n\t{"job": {"s": {"group": {"g": {"service": {}}}}}}\r\n',
    ],
    ids=["hcl", "crlf", "api", "bare", "json"],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "bom"])
def test_the_content_and_not_the_suffix_decides_the_form_of_a_file(
    folder: Any, suffix: str, text: str, mark: str
) -> None:
    (folder.path / f"a{suffix}").write_bytes((mark + text).encode())
    assert [service.service for service in folder.declared(files=("a.*",)).services] == ["s-g"]
