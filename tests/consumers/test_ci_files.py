"""What CI servers read: GitHub's by actionlint, zizmor and GitHub's schemas, GitLab's by GitLab's schema."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from programs import path_of

from frostline.pipeline.init.ci_text import CI_FILES

pytestmark = pytest.mark.more_readers

ROOT = Path(__file__).parents[2]
PAGES = ("docs/ci.md",)
FLEET = "samples/fleet/ci/registry.yml"
COMPONENTS = sorted((ROOT / "templates").glob("*.yml"))
ACTIONS_BY_TAG = "rules: {unpinned-uses: {config: {policies: {'actions/*': ref-pin, '*': hash-pin}}}}\n"
"""What `frostline init` writes for people who have no commit at hand: GitHub's own actions by their tags."""
LABELS = "self-hosted-runner: {labels: [ams, fra, nyc]}\n"
GIVEN = ("RUNNER_TEMP", "GITHUB_ACTION_PATH")
"""Variables of the runner that the scripts of the action use."""
INPUT = re.compile(r"\$\[\[ inputs\.([a-z-]+) ]]")


def shown(key: str) -> Iterator[Any]:
    """The blocks of the pages with this key at the top: `jobs` is a workflow of GitHub, `include` a file of GitLab."""
    for page in PAGES:
        for number, text in enumerate(re.findall(r"^```yml\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)):
            if key in yaml.safe_load(text):
                yield pytest.param(text, id=f"{page}:{number}")


GITHUB = [
    pytest.param((ROOT / FLEET).read_text(), id=FLEET),
    pytest.param(CI_FILES["github"][1], id="init"),
    *shown("jobs"),
]


@pytest.fixture
def workflow(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A repository that has the text of the test as its one workflow."""
    path = tmp_path / ".github" / "workflows" / "registry.yml"
    path.parent.mkdir(parents=True)
    path.write_text(request.param)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return path


def said(*command: str | Path, cwd: Path = ROOT) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", check=False
    )
    return done.returncode, done.stdout


def beside(readers: str, name: str) -> str:
    """A program of the readers' environment."""
    return str(Path(readers).with_name(name))


@pytest.mark.parametrize("workflow", GITHUB, indirect=True)
def test_actionlint_accepts_every_workflow(workflow: Path, readers: str) -> None:
    (workflow.parents[1] / "actionlint.yaml").write_text(LABELS)
    shellcheck = beside(readers, "shellcheck")
    command = (path_of("actionlint"), "-no-color", "-shellcheck", shellcheck, "-pyflakes", "")
    assert said(*command, cwd=workflow.parent) == (0, "")
    workflow.write_text(workflow.read_text().replace("runs-on:", "runs_on:"))
    status, text = said(*command, cwd=workflow.parent)
    assert status == 1
    assert 'unexpected key "runs_on"' in text


@pytest.mark.parametrize("workflow", GITHUB, indirect=True)
def test_zizmor_finds_nothing_in_any_workflow(workflow: Path, readers: str) -> None:
    config = workflow.parents[1] / "zizmor.yml"
    config.write_text(ACTIONS_BY_TAG if workflow.read_text() == CI_FILES["github"][1] else "rules: {}\n")
    command = (beside(readers, "zizmor"), "--offline", "--no-progress", "--color=never", "--config", config)
    status, text = said(*command, workflow)
    assert (status, "No findings to report" in text) == (0, True), text
    workflow.write_text(workflow.read_text().replace("persist-credentials: false", ""))
    assert "artipacked" in said(*command, workflow)[1]


def test_zizmor_and_githubs_schema_accept_the_action(readers: str) -> None:
    status, text = said(
        beside(readers, "zizmor"),
        "--offline",
        "--no-progress",
        "--color=never",
        "--persona=auditor",
        ROOT / "action.yml",
    )
    assert (status, "No findings to report" in text) == (0, True), text
    schema = ("--builtin-schema", "vendor.github-actions")
    status, text = said(beside(readers, "check-jsonschema"), *schema, ROOT / "action.yml")
    assert status == 0, text


def test_shellcheck_accepts_the_scripts_of_the_action(readers: str) -> None:
    for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]:
        given = "".join(f"{name}=x; export {name}\n" for name in (*GIVEN, *step["env"]))
        assert "${{" not in step["run"]
        done = subprocess.run(
            [beside(readers, "shellcheck"), "--shell=bash", "-"],
            input=given + step["run"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("text", [pytest.param(CI_FILES["gitlab"][1], id="init"), *shown("include")])
def test_gitlabs_schema_accepts_every_file(text: str, tmp_path: Path, readers: str) -> None:
    assert_fits_gitlab(text, tmp_path, readers)


def assert_fits_gitlab(text: str, folder: Path, readers: str) -> None:
    path = folder / ".gitlab-ci.yml"
    command = (beside(readers, "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", path)
    path.write_text(text)
    status, printed = said(*command)
    assert status == 0, printed
    path.write_text(f"{text}\nwrong: {{script: 1}}\n")
    assert said(*command)[0] == 1


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda path: path.stem)
def test_gitlabs_schema_accepts_every_component_and_its_inputs(component: Path, tmp_path: Path, readers: str) -> None:
    head, body = component.read_text().split("\n---\n")
    assert_fits_gitlab(head, tmp_path, readers)
    inputs = yaml.safe_load(head)["spec"]["inputs"]
    assert set(INPUT.findall(body)) == set(inputs)
    assert {name for name, value in inputs.items() if "default" not in value} == {"install"}
    assert all(value["description"] for value in inputs.values())

    def default(found: re.Match[str]) -> str:
        value = inputs[found[1]].get("default", "true")
        return str(value).lower() if isinstance(value, bool) else str(value)

    assert_fits_gitlab(INPUT.sub(default, body), tmp_path, readers)


def test_the_action_installs_what_its_repository_has_and_runs_it(tmp_path: Path) -> None:
    install, run = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    environment = {
        "PATH": f"{Path(path_of('python3')).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path / "temp of runner"),
        "GITHUB_ACTION_PATH": str(ROOT),
        "PYTHON": "python3",
        "RUN": "drift",
        "FROSTLINE_CI_WAIT": "",
        "FROSTLINE_CI_CONFIG": "",
    }

    def bash(script: str) -> subprocess.CompletedProcess[str]:
        # As the runner starts `shell: bash`.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    installed = bash(install["run"])
    assert installed.returncode == 0, installed.stderr
    ended = bash(run["run"])
    assert ended.returncode == 2
    assert "error: this is not a job of GitHub Actions or GitLab CI" in ended.stderr
