"""`frostline init`: what it writes compiles at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from consul_agent import ConsulAgent
from consul_wan import WanPair
from jsonschema import Draft202012Validator
from project import Project

from frostline.resources import schema_text

JOB = """\
job "shop" {
  group "web" {
    service {
      name    = "shop"
      address = "10.0.0.1"
      port    = "80"
    }
  }
}
"""
NOWHERE = {"CONSUL_HTTP_ADDR": "http://127.0.0.1:1", "NOMAD_ADDR": "http://127.0.0.1:1"}
ANY = pytest.mark.oldest_consul("any Consul answers")


def services(project: Project) -> list[str]:
    return sorted(yaml.safe_load(project.read("registry/services.yaml"))["services"])


def test_without_anything_it_writes_an_example_that_compiles(project: Project) -> None:
    done = project.done("init", env=NOWHERE)
    assert done.stdout == ""
    assert done.stderr == (
        "Consul: not used, cannot reach http://127.0.0.1:1: connection refused\n"
        "Nomad: not used, cannot reach http://127.0.0.1:1: connection refused\n"
        "Wrote `frostline.yaml`, `frostline.schema.json` and `.gitattributes`.\n"
        "Next: `frostline plan` shows what would be published, `frostline compile` publishes it.\n"
    )
    project.done("compile")
    project.done("check")
    assert services(project) == ["example"]


def test_below_the_top_of_a_repository_it_says_what_ci_there_runs(project: Project) -> None:
    (project.folder.parent / ".git").mkdir()
    said = project.done("init", env=NOWHERE).stderr
    assert f"in CI there, run `frostline check -c {project.folder.name}/frostline.yaml`.\n" in said


@ANY
def test_what_answers_and_what_is_here_is_in_the_configuration(project: Project, shop: ConsulAgent) -> None:
    project.write("jobs/shop.nomad.hcl", JOB)
    project.write("pyproject.toml", '[project]\nname = "my-shop"\n')
    project.write("src/my_shop/__init__.py", "")
    project.write("environment.conf", "modulepath = site-modules:modules\n")
    project.write(".github/CODEOWNERS", "")
    env = {**NOWHERE, "CONSUL_HTTP_ADDR": shop.address, "CONSUL_HTTP_TOKEN": "hush-hush"}
    done = project.done("init", env=env)
    assert "Consul: 3 services\n" in done.stderr
    assert "Nomad job files: 1 service\n" in done.stderr
    text = project.read("frostline.yaml").decode()
    assert "hush-hush" not in text + done.stderr
    assert "    token: {env: CONSUL_HTTP_TOKEN}\n" in text
    config = yaml.safe_load(text)
    assert config["precedence"] == ["mesh", "jobs"]
    assert [output["type"] for output in config["outputs"]] == ["yaml", "python", "puppet-module"]
    project.done("compile", env=env)
    project.done("check", env=env)
    assert services(project) == ["ledger", "payments", "search", "shop"]
    assert (project.folder / "src/my_shop/registry.py").is_file()
    assert (project.folder / "site-modules/frostline/metadata.json").is_file()
    workflow = yaml.safe_load(project.read(".github/workflows/registry.yml"))
    assert sorted(workflow["jobs"]) == ["check", "freeze"]


@ANY
def test_an_agent_with_nothing_to_freeze_is_left_as_a_comment(project: Project, empty_consul: ConsulAgent) -> None:
    done = project.done("init", env={**NOWHERE, "CONSUL_HTTP_ADDR": empty_consul.address})
    assert "Consul: not used, " in done.stderr
    assert list(yaml.safe_load(project.read("frostline.yaml"))["sources"]) == ["example"]
    project.done("compile")


@ANY
def test_instances_that_are_refused_leave_their_source_in_use_and_a_warning_names_the_first(
    project: Project, empty_consul: ConsulAgent
) -> None:
    empty_consul.register("payments-v1", address="10.0.0.1", port=8080)
    empty_consul.register("legacy", address="http://10.0.0.2", port=80)
    empty_consul.register("postgres", address="10.0.0.3", port=0)
    env = {**NOWHERE, "CONSUL_HTTP_ADDR": empty_consul.address}
    done = project.done("init", env=env)
    assert "Consul: 3 services, 2 errors\n" in done.stderr
    assert (
        "warning: this does not compile yet: legacy: its address `http://10.0.0.2` is a URL, and 1 more error\n"
        "Next: `frostline plan` shows each error and what to do about it.\n"
    ) in done.stderr
    assert list(yaml.safe_load(project.read("frostline.yaml"))["sources"]) == ["mesh"]
    assert project.refused(4, "plan", env=env).stderr.count("help: ") == 2


def test_lines_that_gitattributes_has_already_are_not_asked_for(project: Project) -> None:
    project.done("init", env=NOWHERE)
    (project.folder / "frostline.yaml").unlink()
    assert "Add to .gitattributes" not in project.done("init", env=NOWHERE).stderr
    project.write(".gitattributes", "frostline.lock -text -merge\r\n")
    (project.folder / "frostline.yaml").unlink()
    said = project.done("init", env=NOWHERE).stderr
    assert "  frostline.manifest -text\n" in said
    assert "  frostline.lock -text -merge\n" not in said


def test_a_job_file_that_wants_a_variable_is_left_as_a_comment_that_says_how_to_set_it(project: Project) -> None:
    lines = (
        'variable "names" {}',
        'job "a" {',
        '  dynamic "group" {',
        "    for_each = var.names",
        "    content {}",
        "  }",
        "}",
    )
    project.write("jobs/a.nomad.hcl", "\n".join((*lines, "")))
    done = project.done("init", env=NOWHERE)
    assert "set it in the source's `variables` or `var_files`" in done.stderr
    assert "set it in the source's `variables` or `var_files`" in project.read("frostline.yaml").decode()
    project.done("compile")


def test_a_job_file_that_cannot_be_read_is_said_and_left_as_a_comment(project: Project) -> None:
    project.write("jobs/broken.nomad.hcl", 'job "a\u202e" {')
    done = project.done("init", env=NOWHERE)
    assert "Nomad job files: not used, jobs/broken.nomad.hcl:1:" in done.stderr
    text = project.read("frostline.yaml").decode()
    assert "  # jobs:\n" in text
    assert "\u202e" not in text
    project.done("compile")


def test_it_overwrites_nothing(project: Project) -> None:
    project.write(".gitattributes", "* text=auto\n")
    project.write(".gitlab-ci.yml", "stages: []\n")
    done = project.done("init", env=NOWHERE)
    assert project.read(".gitattributes") == b"* text=auto\n"
    assert project.read(".gitlab-ci.yml") == b"stages: []\n"
    assert ".gitlab-ci.yml exists already, and stays as it is.\n" in done.stderr
    assert "add these jobs to your CI:\n" in done.stderr
    assert "  registry:\n    image: python:3.12\n" in done.stderr
    assert "  frostline.lock -text -merge\n" in done.stderr
    again = project.refused(2, "init", env=NOWHERE)
    assert "there is a frostline.yaml here already; it stays as it is" in again.stderr
    (project.folder / "frostline.yaml").unlink()
    (project.folder / "frostline.yaml").symlink_to("nowhere")
    project.refused(2, "init", env=NOWHERE)


def test_a_folder_that_cannot_be_written_is_5(project: Project) -> None:
    project.write(".github", "a file where a folder would be")
    (project.folder / ".gitattributes").mkdir()
    assert project.done("init", env=NOWHERE).stderr.count("stays as it is") == 1
    other = Project(project.folder / "other", project._run)
    other.folder.mkdir()
    (other.folder / ".github").mkdir()
    (other.folder / ".github" / "workflows").write_text("")
    assert other.run("init", env=NOWHERE).returncode == 5
    (other.folder / ".github" / "workflows").unlink()
    other.done("init", env=NOWHERE)


def test_a_ci_file_that_runs_frostline_already_needs_no_lines(project: Project) -> None:
    project.write(".gitlab-ci.yml", "registry: {script: [frostline check]}\n")
    assert "to your CI" not in project.done("init", env=NOWHERE).stderr


@ANY
def test_further_datacenters_that_the_agent_knows_are_named_and_a_commented_line_reads_them(
    project: Project, consul_wan: WanPair
) -> None:
    consul_wan.reset()
    consul_wan.primary.register("payments-v1", address="10.0.0.1", port=80)
    consul_wan.secondary.register("ledger-v1", address="10.0.0.2", port=80)
    env = {**NOWHERE, "CONSUL_HTTP_ADDR": consul_wan.primary.address}
    done = project.done("init", env=env)
    assert "; the agent knows the datacenter `dc2` as well, which `datacenters` of `mesh` reads" in done.stderr
    text = project.read("frostline.yaml").decode()
    assert (
        '    # datacenters: ["*"]                      # reads `dc2` as well; default: the one of the agent\n' in text
    )
    project.write("frostline.yaml", text.replace("# datacenters", "datacenters"))
    project.done("compile", env=env)
    assert services(project) == ["ledger", "payments"]


PACKAGE = ("my_shop/__init__.py", "pyproject.toml")


def paths(project: Project) -> list[str]:
    return [output["path"] for output in yaml.safe_load(project.read("frostline.yaml"))["outputs"]]


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (("registry/other.py",), ["registry/services.yaml"]),
        (("registry/services.yaml",), ["frostline/services.yaml"]),
        (("registry", "frostline"), ["frostline-services.yaml"]),
        (("registry", "frostline", "frostline-services.yaml"), []),
        (("real/x", "registry -> real"), ["frostline/services.yaml"]),
        (("registry -> nowhere",), ["frostline/services.yaml"]),
        (("my_shop/registry.py", *PACKAGE), ["registry/services.yaml", "my_shop/frostline_registry.py"]),
        (("my_shop/registry.pyi", *PACKAGE), ["registry/services.yaml", "my_shop/frostline_registry.py"]),
        (("my_shop/registry/__init__.py", *PACKAGE), ["registry/services.yaml", "my_shop/frostline_registry.py"]),
        (("real/my_shop/__init__.py", "src -> real", "pyproject.toml"), ["registry/services.yaml"]),
        (("real/__init__.py", "my_shop -> real", "pyproject.toml"), ["registry/services.yaml", "real/registry.py"]),
        (("Puppetfile",), ["registry/services.yaml", "site-modules/frostline"]),
        (("Puppetfile", "site-modules/frostline/a"), ["registry/services.yaml", "site-modules/frostline_registry"]),
        (("Puppetfile", "real/a", "site-modules -> real"), ["registry/services.yaml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_no_path_is_chosen_that_is_taken_or_behind_a_link(
    project: Project, there: tuple[str, ...], chosen: list[str]
) -> None:
    for name in there:
        path, _, link = name.partition(" -> ")
        if link:
            (project.folder / path).symlink_to(link)
        else:
            project.write(path, '[project]\nname = "my-shop"\n' if path == "pyproject.toml" else "")
    done = project.done("init", env=NOWHERE)
    assert "warning" not in done.stderr
    assert paths(project) == chosen
    project.done("compile")


def test_the_schema_beside_it_is_the_one_that_the_first_line_names(project: Project) -> None:
    project.done("init", env=NOWHERE)
    first = project.read("frostline.yaml").decode().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert project.read(named) == schema_text("config") == project.done("schema", "config").stdout.encode()


@pytest.mark.parametrize("link", [".github", ".github/workflows"])
def test_nothing_is_written_behind_a_symbolic_link(project: Project, tmp_path: Path, link: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (project.folder / link).parent.mkdir(exist_ok=True)
    (project.folder / link).symlink_to(tmp_path / "elsewhere")
    said = project.refused(5, "init", env=NOWHERE).stderr
    assert f"the folder `{link}` is a symbolic link" in said
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_checks_that_stand_there_as_comments_are_right_once_a_day_is_written(project: Project) -> None:
    project.done("init", env=NOWHERE)
    before, _, rest = project.read("frostline.yaml").decode().partition("# checks:\n")
    checks, _, after = rest.partition("\n\n")
    checks = checks.replace("#", "", 1).replace("\n#", "\n").replace("YEAR-MONTH-DAY", "2999-01-31")
    project.configure(f"{before}checks:\n{checks}\n\n{after}".replace("127.0.0.1", "10.0.0.1"))
    assert sorted(yaml.safe_load(project.read("frostline.yaml"))["checks"]) == ["policies", "waivers"]
    project.done("compile")


def test_a_configuration_elsewhere_is_refused(project: Project) -> None:
    assert "takes no -c" in project.refused(2, "init", "-c", "other.yaml").stderr


def test_a_template_is_copied_once_and_renders_as_the_one_that_comes_along(project: Project) -> None:
    done = project.done("init", "--template", "hosts")
    assert done.stderr == (
        "Wrote hosts.j2. In frostline.yaml, write `template: hosts.j2` in place of `builtin: hosts`.\n"
    )
    project.refused(2, "init", "--template", "hosts")
    assert "did you mean `hosts`?" in project.refused(2, "init", "--template", "host").stderr
    outputs = [
        {"type": "template", "template": "hosts.j2", "path": "a"},
        {"type": "template", "builtin": "hosts", "path": "b"},
    ]
    static = {"type": "static", "services": {"db": "http://10.0.0.1:5432"}}
    project.configure({"version": 1, "sources": {"partners": static}, "outputs": outputs}).done("compile")
    assert project.read("a") == project.read("b") != b""


def test_git_keeps_line_ends_as_they_are(project: Project) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)
    project.done("init", env=NOWHERE)
    asked = ["git", "check-attr", "text", "--", "frostline.lock", "registry/services.yaml"]
    said = subprocess.run(asked, cwd=project.folder, capture_output=True, text=True, check=True).stdout
    assert said.count("text: unset") == 2, sys.platform


def test_json_says_what_was_found_and_written(project: Project) -> None:
    project.write(".gitattributes", "")
    report = json.loads(project.done("init", "--format", "json", env=NOWHERE).stdout)
    Draft202012Validator(json.loads(schema_text("report"))).validate(report)
    assert report["start"]["written"] == ["frostline.yaml", "frostline.schema.json"]
    assert report["start"]["kept"] == [".gitattributes"]
    assert [source["source"] for source in report["start"]["sources"]] == ["mesh", "live"]
    assert report["start"]["attributes"][0] == "frostline.lock -text -merge"
    copied = json.loads(project.done("init", "--template", "hosts", "--format", "json").stdout)
    assert copied["start"]["written"] == ["hosts.j2"]
