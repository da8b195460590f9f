"""What a folder holds that a first configuration can use."""

from __future__ import annotations

from pathlib import Path

import pytest

from frostline.pipeline.init.surroundings import Surroundings, look_around


def made(folder: Path, *files: str, **texts: str) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    for name, text in texts.items():
        (folder / name.replace("_DOT_", ".")).write_text(text)
    return folder


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    assert look_around(tmp_path) == Surroundings()


def test_job_files_are_a_glob_for_each_folder_and_ending(tmp_path: Path) -> None:
    made(tmp_path, "shop.nomad.hcl", "jobs/a/b.nomad.hcl", "jobs/c.nomad.hcl", "jobs/old.nomad", "infra/main.hcl")
    assert look_around(tmp_path).job_files == ("*.nomad.hcl", "jobs/**/*.nomad", "jobs/**/*.nomad.hcl")


def test_hcl_files_are_taken_if_all_of_a_folder_are_jobs(tmp_path: Path) -> None:
    made(tmp_path, "jobs/a/b.hcl", "jobs/c.hcl", "jobs/.terraform.lock.hcl", "mixed/a.hcl", "mixed/vars.hcl")
    for name in ("jobs/a/b.hcl", "jobs/c.hcl", "mixed/a.hcl"):
        (tmp_path / name).write_text('# a shop\njob "shop" {\n}\n')
    assert look_around(tmp_path).job_files == ("jobs/**/*.hcl",)
    (tmp_path / "jobs" / "c.hcl").write_bytes(b"\xff")
    assert look_around(tmp_path).job_files == ()


def test_a_folder_knows_where_it_is_in_its_repository(tmp_path: Path) -> None:
    below = tmp_path / "services" / "shop"
    below.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    assert look_around(below).below == "services/shop"
    assert look_around(tmp_path).below == ""
    (below / ".git").write_text("gitdir: elsewhere")
    assert look_around(below).below == ""


@pytest.mark.parametrize(
    "name", [".hidden/a.nomad.hcl", "node_modules/a.nomad.hcl", "a[1]/b.nomad.hcl", "a*/b.nomad", "!a/b.nomad", "a.hcl"]
)
def test_skipped_folders_and_names_that_no_glob_can_have_are_not_taken(tmp_path: Path, name: str) -> None:
    assert look_around(made(tmp_path, name)).job_files == ()


def test_a_folder_or_a_broken_link_is_not_a_job_file(tmp_path: Path) -> None:
    (tmp_path / "jobs.nomad").mkdir()
    (tmp_path / "gone.nomad").symlink_to("nowhere")
    assert look_around(tmp_path).job_files == ()


@pytest.mark.parametrize(
    ("project", "file", "package"),
    [
        ('[project]\nname = "my-shop"', "my_shop/__init__.py", "my_shop"),
        ('[project]\nname = "my.shop"', "src/my_shop/__init__.py", "src/my_shop"),
        ('[project]\nname = "Shop"', "shop/__init__.py", "shop"),
        ('[tool.poetry]\nname = "my-shop"', "my_shop/__init__.py", "my_shop"),
        ('[project]\nname = "shop"', "other/__init__.py", "other"),
        ('[project]\nname = "shop"', "src/other/__init__.py", "src/other"),
        ('[project]\nname = "shop"', "tests/__init__.py", None),
        ('[project]\nname = "../shop"', "up/shop/__init__.py", None),
        ('[project]\nname = "class"', "class/__init__.py", None),
        ("[project]\nname = 7", "shop/__init__.py", "shop"),
        ("tool = 1\nproject = 1", "shop/__init__.py", "shop"),
        ("not toml", "shop/__init__.py", "shop"),
        pytest.param(f"a = {'[' * 9999}", "shop/__init__.py", "shop", id="arrays in arrays"),
        pytest.param(f"a = {'{a=' * 9999}", "shop/__init__.py", "shop", id="tables in tables"),
    ],
)
def test_a_package_is_the_projects_own(tmp_path: Path, project: str, file: str, package: str | None) -> None:
    made(tmp_path, file, pyproject_DOT_toml=project)
    assert look_around(tmp_path).package == package


def test_the_name_of_the_project_chooses_between_two_packages_and_without_it_none_is_chosen(tmp_path: Path) -> None:
    made(tmp_path, "a/__init__.py", "b/__init__.py", "setup.py")
    assert look_around(tmp_path).package is None
    assert look_around(made(tmp_path, pyproject_DOT_toml='[tool.poetry]\nname = "B"')).package == "b"


def test_a_package_without_a_python_project_is_not_taken(tmp_path: Path) -> None:
    assert look_around(made(tmp_path, "plugins/__init__.py")).package is None


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("modulepath = modules:site-modules:$basemodulepath", "site-modules"),
        ("modulepath=site", "site"),
        ("modulepath = modules:$basemodulepath", "modules"),
        ("modulepath = /etc/puppet:../up:a/b", "modules"),
        ("# nothing", "modules"),
    ],
)
def test_a_control_repository_has_a_folder_for_its_own_modules(tmp_path: Path, text: str, modules: str) -> None:
    assert look_around(made(tmp_path, environment_DOT_conf=text)).modules == modules


def test_a_puppetfile_alone_is_a_control_repository(tmp_path: Path) -> None:
    assert look_around(made(tmp_path, "Puppetfile")).modules == "site-modules"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("git@github.com:me/shop.git", "github"),
        ("https://gitlab.example/me/github", "gitlab"),
        ("ssh://git@gitlab.example:22/a", "gitlab"),
        ("https://token:secret@git.example/github.com", None),
        ("/srv/github.com/x.git", None),
    ],
)
def test_the_host_is_that_of_the_remote(tmp_path: Path, url: str, host: str | None) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(f'[remote "origin"]\n\turl = {url}\n')
    assert look_around(tmp_path).host == host


def test_the_folders_of_a_host_say_it_too(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("")
    assert look_around(tmp_path).host == "gitlab"
    (tmp_path / ".github").mkdir()
    assert look_around(tmp_path).host == "github"


@pytest.mark.parametrize("part", [".", "..", ".git", ".github", "-x", "a\0b", "$basemodulepath", "/etc"])
def test_hidden_folders_and_folders_above_are_not_for_modules(tmp_path: Path, part: str) -> None:
    made(tmp_path, environment_DOT_conf=f"modulepath = {part}:modules\n")
    assert look_around(tmp_path).modules == "modules"


def test_a_file_of_empty_lines_is_read_in_a_moment(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    made(tmp_path, environment_DOT_conf="\n" * (1 << 20))
    (tmp_path / ".git" / "config").write_text("\n" * (1 << 20))
    assert look_around(tmp_path) == Surroundings(modules="modules")
