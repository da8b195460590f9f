"""The statuses 0 to 5, what is said with each, and that nothing changes on disk when a run fails."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from consul_agent import AclAgent, ConsulAgent
from consul_wan import WanPair
from faulty_proxy import FaultyProxy
from project import PARTNERS, STATIC, Project, consul_config, explains

NOWHERE = "http://127.0.0.1:9"
"""Nobody listens on the port `discard`."""

WARNING = {"policies": {"required": {"value": ["billing/v9", "mail/v9"], "severity": "warning"}}}
ERROR = {"policies": {"required": ["billing/v9"]}}


# --- 0 and 1 ----------------------------------------------------------------------------------------------------------


def test_warnings_never_change_the_status(project: Project) -> None:
    project.configure({**STATIC, "checks": WARNING})
    assert project.refused(1, "plan").stderr.count("warning[required]") == 2
    assert "2 warnings" in project.done("compile").stderr
    assert project.refused(0, "plan").returncode == 0
    assert "warning[required]" in project.refused(0, "check").stdout


def test_a_plan_with_changes_is_1(project: Project) -> None:
    project.configure(STATIC).refused(1, "plan")


@pytest.mark.parametrize("name", ["services.yaml", "registry.pyi", "frostline.manifest"])
def test_a_check_that_finds_a_file_missing_is_1(project: Project, name: str) -> None:
    project.configure(STATIC).done("compile")
    (project.folder / name).unlink()
    said = project.refused(1, "check")
    assert ("the manifest" if name == "frostline.manifest" else name) + " is missing" in said.stdout
    assert "run `frostline compile --offline`" in said.stderr


def test_a_check_that_finds_a_file_edited_is_1(project: Project) -> None:
    project.configure(STATIC).done("compile")
    project.write("services.yaml", "::error::x\x1b[2J")
    lines = project.refused(1, "check").stdout.splitlines()
    assert (lines[0], lines[-1]) == (
        "services.yaml was edited since frostline wrote it",
        "    1 + ::error::x\\x1b[2J",
    )
    annotated = project.refused(1, "check", "--format", "github").stdout
    assert annotated.startswith("::error file=services.yaml,line=1,col=1,title=drift::services.yaml was edited since")


def test_a_check_after_the_configuration_moved_is_1(project: Project) -> None:
    project.configure(STATIC).done("compile")
    moved = {**STATIC, "sources": {"partners": {**PARTNERS, "services": {"billing": "https://b.example"}}}}
    said = project.configure(moved).refused(1, "check").stdout
    assert "services.yaml is out of date with the lock or the configuration\n" in said
    assert "the manifest is out of date with the lock or the configuration\n" in said


def test_explaining_what_nobody_knows_is_1_with_the_closest(project: Project) -> None:
    project.configure(STATIC)
    explains(project.refused(1, "explain", "biling").stderr, "unknown service `biling`", "did you mean `billing`?")
    explains(project.refused(1, "explain", "mail", "v4").stderr, "unknown service `mail v4`", "did you mean `mail v3`?")
    explains(project.refused(1, "explain", "zzzzzz").stderr, "see `frostline list`")


# --- 2 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], ["there is no command `nonsense`", "the commands are `init`, `compile`"]),
        (["help"], ["there is no command `help`", "write `frostline --help`"]),
        (["version"], ["there is no command `version`", "write `frostline --version`"]),
        (["compil"], ["there is no command `compil`", "did you mean `compile`?"]),
        (["compile", "--allow", "delete"], ["--allow: there is no word `delete`", "did you mean `deletes`?"]),
        (["plan", "--format", "junt"], ["--format: there is no format `junt`", "did you mean `junit`?"]),
        (["freeze", "--source", "partners"], ["`partners` is static; only live sources are frozen"]),
        (["compile", "--offlin"], ["there is no option `--offlin`", "did you mean `--offline`?"]),
        (["--format", "json", "compile"], ["no option `--format` before the command", "`frostline compile OPTIONS`"]),
        (["compile", "-c"], ["-c needs a value", "see `frostline compile --help`"]),
        (["compile", "--offline=x"], ["--offline takes no value", "see `frostline compile --help`"]),
        (["compile", "a", "b"], ["arguments too many: `a b`", "`frostline compile [OPTIONS]`"]),
        (["explain", "a", "b", "c"], ["one argument too many: `c`", "`frostline explain [OPTIONS] SERVICE [VERSION]`"]),
        (["override", "a"], ["--why is missing", "write `--why TEXT`: The reason"]),
        (
            ["compile", "--format", "xml"],
            ["there is no format `xml`", "the formats of this command are `text`"],
        ),
        (["compile", "--format", "sarif"], ["only plan, check and diff have the format `sarif`"]),
        (["explain"], ["the argument SERVICE is missing", "write `frostline explain [OPTIONS] SERVICE [VERSION]`"]),
        (["compile", "--today", "tomorrow"], ["--today", "write a date such as 2027-01-31"]),
        (["compile", "--offline", "--lock", "x"], ["--offline and --lock exclude each other"]),
        (["schema", "registri"], ["there is no schema `registri`", "did you mean `registry`?"]),
        (["freeze", "--source", "mash"], ["there is no live source `mash`", "live sources: none"]),
        (["freeze", "--datacenter", "dc1"], ["nothing to read of the datacenter `dc1`", "`consul` or `nomad`"]),
        (["freeze", "--out", "dc1.lock"], ["no live source is configured", "leave `--out` out"]),
    ],
)
def test_a_wrong_command_line_is_2(project: Project, arguments: list[str], words: list[str]) -> None:
    explains(project.configure(STATIC).refused(2, *arguments).stderr, *words)


def test_no_command_at_all_is_2_and_shows_the_commands(project: Project) -> None:
    assert "compile" in project.refused(2).stderr


def test_no_configuration_is_2(project: Project) -> None:
    explains(project.refused(2, "compile").stderr, "there is no frostline.yaml in ", "-c FILE")
    explains(project.refused(2, "compile", "-c", "other.yaml").stderr, "other.yaml:1:1: error: ")


def test_a_wrong_configuration_is_2_with_all_that_is_wrong(project: Project) -> None:
    project.configure("version: 1\nsourcs: {}\noutputs:\n  - {type: yml, path: ../out.yaml}\n")
    said = project.refused(2, "compile").stderr
    explains(said, "frostline.yaml:2:1: error: ", "`sources`", "frostline.yaml:4:")
    assert project.refused(2, "check").stderr == said


def test_offline_without_a_lock_is_2(project: Project) -> None:
    project.configure(consul_config(NOWHERE))
    for command in (["compile", "--offline"], ["plan", "--offline"], ["check"], ["list"]):
        explains(
            project.refused(2, *command).stderr,
            "error: there is no frostline.lock",
            "frostline freeze",
        )


def test_settings_that_moved_since_the_lock_are_2(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address)).done("compile")
    project.configure(consul_config(shop.address, source={"select": {"services": ["*"]}}))
    for command in (["compile", "--offline"], ["plan", "--offline"], ["check"], ["list"]):
        explains(
            project.refused(2, *command).stderr,
            "`select.services` now takes names such as `consul` by `*`, which the lock was not frozen with",
            "run `frostline freeze`",
        )
    project.configure(consul_config(shop.address, source={"timeout": "9s", "url": "https://{address}"}))
    assert project.refused(1, "plan", "--offline").returncode == 1  # these do not shape the answer


@pytest.mark.parametrize(
    "text",
    ["", "not json\n", '{"format":"frostline.lock/9"}\n', '{"format":"frostline.lock/1"}\n<<<<<<< ours\n'],
)
def test_a_broken_lock_is_2_with_its_line(project: Project, text: str) -> None:
    project.configure(consul_config(NOWHERE)).write("frostline.lock", text)
    explains(project.refused(2, "list").stderr, "frostline.lock:")
    explains(project.refused(2, "compile", "--offline").stderr, "frostline.lock:")


def test_a_broken_manifest_where_no_lock_says_what_was_published_is_4_with_its_line(project: Project) -> None:
    project.configure(STATIC).done("compile")
    project.write("frostline.manifest", project.read("frostline.manifest").decode() + "{}\n")
    lines = len(project.read("frostline.manifest").splitlines())
    explains(project.refused(4, "compile").stderr, "error[guard-unknown]: ", f"frostline.manifest:{lines}:1: ")
    project.done("compile", "--allow", "deletes")


@pytest.mark.parametrize("value", [None, ""])
def test_a_token_whose_variable_is_unset_or_empty_is_2(project: Project, value: str | None) -> None:
    project.configure(consul_config(NOWHERE, source={"token": {"env": "MESH_TOKEN"}}))
    env = {} if value is None else {"MESH_TOKEN": value}
    explains(project.refused(2, "compile", env=env).stderr, "frostline.yaml:", "MESH_TOKEN")


# --- 3 ----------------------------------------------------------------------------------------------------------------


def test_a_server_that_cannot_be_reached_is_3_and_says_all_there_is_to_say(project: Project) -> None:
    project.configure(consul_config(NOWHERE))
    for command in (["compile"], ["plan"], ["freeze"], ["explain", "x"], ["sources"]):
        explains(
            project.refused(3, *command).stderr,
            "frostline.yaml:6:4: error: source mesh: cannot reach http://127.0.0.1:9: connection refused",
            "start it or correct `address`",
        )


def test_a_published_registry_stays_when_the_server_is_gone(
    project: Project, shop: ConsulAgent, proxied: Callable[..., FaultyProxy]
) -> None:
    proxy = proxied(shop)
    project.configure(consul_config(proxy.address)).done("compile")
    proxy.fault = lambda path, token: (500, "rpc error: No cluster leader") if "/catalog/" in path else None
    explains(project.refused(3, "compile").stderr, "source mesh: GET /v1/catalog/", "500", "No cluster leader")
    explains(project.refused(3, "check", "--live").stderr, "500")
    proxy.fault = lambda path, token: (200, '{"half": [') if "/catalog/services" in path else None
    explains(project.refused(3, "compile").stderr, "source mesh: GET /v1/catalog/services")
    project.done("check")


def test_check_live_says_what_it_knows_without_the_sources_and_ends_with_the_highest_status(
    project: Project, shop: ConsulAgent, proxied: Callable[..., FaultyProxy]
) -> None:
    proxy = proxied(shop)
    project.configure(consul_config(proxy.address)).done("compile")
    proxy.fault = lambda path, token: (500, "rpc error: No cluster leader")
    project.write("services.yaml", "edited")
    drifted = project.refused(3, "check", "--live")
    assert drifted.stdout.startswith("services.yaml was edited since frostline wrote it\n    1 - ")
    explains(drifted.stderr, "source mesh", "500")
    project.configure(consul_config(proxy.address, checks={"policies": {"names": "^nothing"}}))
    broken = project.refused(4, "check", "--live")
    assert "error[names]" in broken.stdout
    explains(broken.stderr, "source mesh", "500")
    report = json.loads(project.refused(4, "check", "--live", "--format", "json").stdout)
    assert [error["status"] for error in report["errors"]] == [3]
    assert (report["findings"][0]["rule"], len(report["drift"])) == ("names", 1)


def test_a_token_that_consul_does_not_know_is_3(project: Project, consul_acl: AclAgent) -> None:
    consul_acl.reset()
    project.configure(consul_config(consul_acl.address, source={"token": {"env": "MESH_TOKEN"}}))
    wrong = {"MESH_TOKEN": "11111111-2222-3333-4444-555555555555"}
    explains(project.refused(3, "compile", env=wrong).stderr, "source mesh", "403", "$MESH_TOKEN", "it has expired")


def test_acls_without_a_token_are_3(project: Project, consul_acl: AclAgent) -> None:
    consul_acl.reset()
    project.configure(consul_config(consul_acl.address))
    explains(project.refused(3, "compile").stderr, "ACLs are enabled", "give a valid token")


def test_a_datacenter_that_is_broken_or_unknown_is_3(
    project: Project, consul_wan: WanPair, proxied: Callable[..., FaultyProxy]
) -> None:
    consul_wan.reset()
    for agent in consul_wan.agents:
        agent.catalog_register("n1", "payments-v1", address="10.0.0.1", port=8080)
    proxy = proxied(
        consul_wan.primary, lambda path, token: (500, "No path to datacenter") if "dc=dc2" in path else None
    )
    project.configure(consul_config(proxy.address, source={"datacenters": ["dc1", "dc2"]}))
    explains(project.refused(3, "compile").stderr, "No path to datacenter", "dc=dc2")
    project.configure(consul_config(proxy.address, source={"datacenters": ["dc1", "dc9"]}))
    explains(project.refused(3, "compile").stderr, "Consul knows no datacenter `dc9`, only `dc1` and `dc2`")


def test_the_highest_status_applies_and_every_failed_source_is_named(project: Project) -> None:
    config = consul_config(NOWHERE)
    config["sources"]["other"] = {"type": "consul", "address": NOWHERE, "token": {"env": "UNSET_TOKEN"}, "retries": 0}
    said = project.configure(config).refused(3, "compile").stderr
    explains(said, "source mesh", "UNSET_TOKEN", "2 errors")
    assert project.refused(3, "sources").stderr == said


# --- 4 ----------------------------------------------------------------------------------------------------------------


def test_an_error_finding_is_4_and_outranks_changes_and_drift(project: Project) -> None:
    project.configure({**STATIC, "checks": ERROR})
    for command in ("compile", "plan"):
        explains(project.refused(4, command).stderr, "error[required]")
    assert "error[required]" in project.refused(4, "check").stdout


def test_a_waiver_lets_a_finding_pass_until_its_day(project: Project) -> None:
    waiver = {"rule": "required", "service": "billing/v9", "until": "2027-01-31", "why": "moves in January"}
    project.configure({**STATIC, "checks": {**ERROR, "waivers": [waiver]}})
    assert project.refused(1, "plan", "--today", "2027-01-31").returncode == 1
    assert "error[required]" in project.refused(4, "plan", "--today", "2027-02-01").stderr


def test_an_empty_catalog_is_4_on_the_first_run_too(project: Project, empty_consul: ConsulAgent) -> None:
    project.configure(consul_config(empty_consul.address))
    for command in ("compile", "plan", "freeze"):
        explains(project.refused(4, command).stderr, "error[guard-empty]", "a missing token")
    config = consul_config(empty_consul.address)
    config["sources"]["partners"] = PARTNERS
    project.configure(config)
    explains(project.refused(4, "compile").stderr, "error[guard-source]: source `mesh` returned no selected service")


def test_with_a_token_without_rights_nothing_is_published(project: Project, consul_acl: AclAgent) -> None:
    consul_acl.reset()
    consul_acl.catalog_register("n1", "payments-v1", address="10.0.0.1", port=8080)
    project.configure(consul_config(consul_acl.address, source={"token": {"env": "MESH_TOKEN"}}))
    env = {"MESH_TOKEN": consul_acl.create_token("")}
    if consul_acl.version >= (1, 11):
        said = project.refused(3, "compile", env=env).stderr
        explains(said, "ACLs hide a part of the answer")
    else:
        said = project.refused(4, "compile", env=env).stderr  # an empty catalog, and no word of ACLs
        explains(said, "error[guard-empty]")
    reader = consul_acl.create_token('service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }')
    project.done("compile", env={"MESH_TOKEN": reader})


def test_a_segment_that_is_empty_now_is_4(project: Project, consul_wan: WanPair) -> None:
    consul_wan.reset()
    for agent in consul_wan.agents:
        agent.catalog_register("n1", "payments-v1", address="10.0.0.1", port=8080)
    project.configure(consul_config(consul_wan.primary.address, source={"datacenters": ["*"]})).done("compile")
    consul_wan.secondary.catalog_deregister("n1")
    for command in ("compile", "freeze"):
        said = project.refused(4, command).stderr
        explains(said, "mesh(datacenter=dc2, namespace=default): error[guard-segment]: it had 1 instance")
    project.done("compile", "--allow", "empty")


def test_a_guard_refuses_freeze_as_it_refuses_compile(project: Project, empty_consul: ConsulAgent) -> None:
    for number in range(10):
        empty_consul.catalog_register("n1", f"s{number}", address="10.0.0.1", port=8000 + number)
    project.configure(consul_config(empty_consul.address)).done("compile")
    for number in range(5):
        empty_consul.catalog_deregister("n1", f"s{number}")
    for command in ("compile", "plan", "freeze"):
        explains(project.refused(4, command).stderr, "error[guard-delete]: 5 of 10 services")
    project.done("freeze", "--allow", "deletes")


# --- 5 ----------------------------------------------------------------------------------------------------------------


def test_a_run_beside_another_one_is_5(project: Project) -> None:
    project.configure(STATIC)
    other = os.open(project.folder, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        explains(project.refused(5, "compile").stderr, "another run is at work", "wait until it is done")
        assert project.refused(1, "plan").returncode == 1  # it writes nothing
    finally:
        os.close(other)
    project.done("compile")


def test_a_target_that_is_a_link_a_folder_or_below_a_file_is_5(project: Project) -> None:
    project.configure(STATIC).write("elsewhere.yaml", "mine: true\n")
    target = project.folder / "services.yaml"
    target.symlink_to("elsewhere.yaml")
    explains(project.refused(5, "compile").stderr, "`services.yaml` is a symbolic link")
    target.unlink()
    target.mkdir()
    explains(project.refused(5, "compile").stderr, "`services.yaml` is a folder")
    target.rmdir()
    project.configure({**STATIC, "outputs": [{"type": "yaml", "path": "elsewhere.yaml/services.yaml"}]})
    explains(project.refused(5, "compile").stderr, "elsewhere.yaml")


def test_a_lock_that_is_a_link_is_5(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address)).done("compile")
    lock = project.folder / "frostline.lock"
    lock.rename(project.folder / "real.lock")
    lock.symlink_to("real.lock")
    shop.catalog_register("n3", "search", address="10.0.0.3", port=9200)
    explains(project.refused(5, "compile").stderr, "`frostline.lock` is a symbolic link")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_5(project: Project) -> None:
    project.configure(STATIC)
    project.folder.chmod(0o555)
    try:
        explains(project.refused(5, "compile").stderr, "Permission denied")
    finally:
        project.folder.chmod(0o755)


def test_a_write_that_fails_midway_is_5_and_undone(project: Project) -> None:
    project.configure(STATIC)
    before = project.tree()
    code = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))\n"  # the journal fits in, the outputs do not
        "from frostline.__main__ import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "compile"], cwd=project.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 5, done.stderr
    explains(done.stderr, "cannot be written: File too large")
    assert project.tree() == before


def test_a_root_folder_that_was_made_for_a_run_that_failed_is_gone_again(project: Project) -> None:
    config = consul_config(NOWHERE, root="made/for/this", lock="made/for/this/frostline.lock")
    config["outputs"] = [{"type": "yaml", "path": "made/for/this/services.yaml"}]
    project.configure(config).refused(3, "compile")
    assert "made" not in project.contents()


def test_what_a_run_left_behind_and_cannot_be_trusted_is_5_and_plan_and_check_warn_of_it(project: Project) -> None:
    project.configure(STATIC).done("compile")
    project.write(".frostline.journal", "damaged\n")
    for command in ("plan", "check"):
        assert project.refused(0, command).stderr.startswith("warning: an earlier run was interrupted while publishing")
    explains(project.refused(5, "compile").stderr, "`.frostline.journal`", "cannot be trusted")
