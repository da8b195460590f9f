"""From an empty folder to a registry, and again: what compile, plan and check do on a real Consul."""

from __future__ import annotations

import difflib
import json

import pytest
import yaml
from consul_agent import ConsulAgent
from project import STATIC, Project, consul_config

guards_alone = pytest.mark.oldest_consul("guards compare what was read with what is published")

PUBLISHED = {"frostline.lock", "frostline.manifest", "registry.py", "registry.pyi", "services.yaml"}


@pytest.fixture
def compiled(project: Project, shop: ConsulAgent) -> Project:
    project.configure(consul_config(shop.address)).done("compile")
    return project


def changed_lines(before: bytes, after: bytes) -> list[str]:
    """The lines of a diff without context."""
    lines = difflib.unified_diff(before.decode().splitlines(), after.decode().splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_one_command_makes_the_registry_of_an_empty_folder(project: Project, shop: ConsulAgent) -> None:
    done = project.configure(consul_config(shop.address)).done("compile")
    assert set(project.contents()) == {"frostline.yaml", *PUBLISHED}
    assert done.stdout == ""
    assert done.stderr == "Published 3 services (3 added, 0 changed, 0 removed): 3 files written, 0 deleted.\n"
    services = yaml.safe_load(project.read("services.yaml"))["services"]
    assert [one["url"] for one in services["payments"]["v1"]["endpoints"]] == [
        "http://10.0.0.1:8080/v1",
        "http://10.0.0.2:8080/v1",
    ]
    assert services["ledger"]["unversioned"]["declared"] is True


def test_a_second_compile_touches_no_file(compiled: Project) -> None:
    before = compiled.tree()
    assert compiled.done("compile").stderr == "Up to date: 3 services published.\n"
    assert compiled.tree() == before


def test_after_compile_there_is_nothing_to_plan_or_to_check(compiled: Project) -> None:
    assert compiled.refused(0, "plan").stdout == "No changes. Everything published is up to date.\n"
    assert compiled.refused(0, "check").stdout == ""
    assert compiled.refused(0, "check", "--live").stderr == "Outputs, manifest and lock agree.\n"


def test_offline_gives_the_same_bytes_with_no_server(compiled: Project, project: Project) -> None:
    before = project.contents()
    for name in PUBLISHED - {"frostline.lock"}:
        (project.folder / name).unlink()
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    project.done("compile", "--offline", env=nowhere)
    assert project.contents() == before


def test_a_new_instance_is_one_line_in_lock_yaml_and_python(compiled: Project, shop: ConsulAgent) -> None:
    before = compiled.contents()
    shop.catalog_register("n3", "payments-v1", address="10.0.0.8", port=8080)
    shown = compiled.refused(1, "plan").stdout
    assert "  ~ payments v1  (2 -> 3 endpoints)\n      + http://10.0.0.8:8080/v1\n" in shown
    assert compiled.refused(1, "check", "--live").stdout == "the lock is out of date: change payments v1\n"
    compiled.done("compile")
    after = compiled.contents()
    # Beside it only the line that vouches for the whole: the lock's with the number of lines, the others' digest.
    for name, vouching in (("frostline.lock", '"instances":'), ("services.yaml", "digest:"), ("registry.py", "DIGEST")):
        lines = changed_lines(before[name], after[name])  # type: ignore[arg-type]
        assert [
            line for line in lines if line.startswith("+") and vouching not in line and "10.0.0.8" not in line
        ] == []
        assert len([line for line in lines if "10.0.0.8" in line]) == 1, name
        assert len(lines) == 3, name
    assert set(after) == set(before)


def test_a_service_that_is_gone_is_gone_from_every_file(compiled: Project, shop: ConsulAgent) -> None:
    shop.catalog_deregister("n1", "search")
    assert "  - search unversioned  (1 -> 0 endpoints)" in compiled.refused(1, "plan").stdout
    compiled.done("compile")
    assert not any(b"search" in content for content in compiled.contents().values() if isinstance(content, bytes))


def test_what_is_not_selected_changes_nothing(compiled: Project, shop: ConsulAgent) -> None:
    shop.catalog_register("n9", "sidecar", address="10.9.9.9", port=1, kind="connect-proxy")
    assert compiled.refused(0, "plan").returncode == 0


def test_the_files_of_an_output_that_was_taken_out_are_deleted_when_that_is_allowed(project: Project) -> None:
    project.configure(STATIC).done("compile")
    project.configure({**STATIC, "outputs": STATIC["outputs"][:1]})
    assert project.run("plan").returncode == 4
    assert "error[orphans]" in project.refused(4, "compile").stderr
    assert "  - services.yaml\n" in project.run("plan", "--allow", "orphans=*.yaml").stdout
    project.refused(4, "compile", "--allow", "orphans=registry*")
    project.done("compile", "--allow", "orphans=services.yaml")
    assert set(project.contents()) == {"frostline.yaml", "frostline.manifest", "registry.py", "registry.pyi"}


def test_without_a_live_source_there_is_no_lock(project: Project) -> None:
    project.configure(STATIC).done("compile")
    assert "frostline.lock" not in project.contents()
    assert project.refused(0, "freeze").stderr == "Nothing to freeze: no live source is configured.\n"


def test_the_configuration_is_found_from_a_folder_below(project: Project) -> None:
    project.configure(STATIC)
    below = project.folder / "a" / "b"
    below.mkdir(parents=True)
    Project(below, project._run).done("compile")
    assert "registry.py" in project.contents()
    assert set(Project(below, project._run).contents()) == set()


def test_a_configuration_may_lie_elsewhere(project: Project) -> None:
    project.write("elsewhere/other.yaml", json.dumps({**STATIC, "outputs": STATIC["outputs"][1:]}))
    project.done("compile", "-c", "elsewhere/other.yaml")
    assert {path for path in project.contents() if "." in path} == {
        "elsewhere/other.yaml",
        "elsewhere/frostline.manifest",
        "elsewhere/services.yaml",
    }


def test_a_server_is_asked_over_tls_with_a_certificate(project: Project, consul_tls: ConsulAgent) -> None:
    consul_tls.reset()
    consul_tls.catalog_register("n1", "payments-v1", address="10.0.0.1", port=8080)
    files = consul_tls.tls
    assert files
    keys = {name: str(getattr(files, name)) for name in ("ca_file", "cert_file", "key_file", "server_name")}
    project.configure(consul_config(consul_tls.address, source={"tls": keys})).done("compile")
    over_tls = yaml.safe_load(project.read("services.yaml"))["services"]
    assert [one["url"] for one in over_tls["payments"]["v1"]["endpoints"]] == ["http://10.0.0.1:8080/v1"]
    del keys["cert_file"], keys["key_file"]
    project.configure(consul_config(consul_tls.address, source={"tls": keys}))
    assert "source mesh: GET /v1/acl/token/self" in project.refused(3, "compile").stderr


def test_a_server_is_asked_over_its_socket(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(f"unix://{shop.socket}")).done("compile")
    assert "10.0.0.1" in project.read("services.yaml").decode()


# --- --only -----------------------------------------------------------------------------------------------------------


def test_only_publishes_that_output_and_leaves_the_rest(compiled: Project, shop: ConsulAgent) -> None:
    before = compiled.contents()
    shop.catalog_register("n3", "payments-v1", address="10.0.0.3", port=8080)
    compiled.done("compile", "--only", "services.yaml")
    after = compiled.contents()
    assert {name for name in after if after[name] != before[name]} == {
        "services.yaml",
        "frostline.lock",
        "frostline.manifest",
    }
    assert compiled.refused(1, "check").stdout.startswith(
        "registry.py is out of date with the lock or the configuration\n"
    )
    compiled.done("compile")
    compiled.done("check")


def test_an_unknown_output_is_refused_with_the_nearest_before_anybody_is_asked(project: Project) -> None:
    project.configure(consul_config("http://127.0.0.1:9"))
    said = project.refused(2, "compile", "--only", "service.yaml").stderr
    assert "there is no output `service.yaml`" in said
    assert "did you mean `services.yaml`?" in said
    assert project.refused(2, "plan", "--only", "x").stderr.count("outputs: registry.py, services.yaml") == 1


# --- --locked ---------------------------------------------------------------------------------------------------------


def test_locked_passes_while_the_lock_stays(compiled: Project) -> None:
    (compiled.folder / "services.yaml").unlink()
    compiled.done("compile", "--locked")
    assert "services.yaml" in compiled.contents()


def test_locked_fails_where_the_registry_would_change(compiled: Project, shop: ConsulAgent) -> None:
    shop.catalog_register("n3", "payments-v1", address="10.0.0.3", port=8080)
    said = compiled.refused(1, "compile", "--locked").stderr
    assert said.startswith("frostline.lock:1:1: error: the registry would change (change payments v1)")
    assert "run `frostline plan`" in said
    said = compiled.refused(1, "compile", "--locked", "--exact").stderr
    assert said.startswith("frostline.lock:1:1: error: the lock would change (source `mesh`, datacenter `dc1`)")


def test_locked_keeps_a_lock_whose_ids_and_nodes_alone_would_change(compiled: Project, shop: ConsulAgent) -> None:
    shop.catalog_deregister("n1", "payments-v1")
    shop.catalog_register("n3", "payments-v1", id="elsewhere", address="10.0.0.1", port=8080)
    before = compiled.contents()
    assert "Only the lock would change" in compiled.done("compile", "--locked").stderr
    assert "Only the lock would change" in compiled.done("check", "--live").stderr
    assert compiled.contents() == before
    compiled.refused(1, "compile", "--locked", "--exact")
    compiled.refused(1, "check", "--live", "--exact")


def test_locked_fails_after_a_change_of_what_is_selected(compiled: Project, shop: ConsulAgent) -> None:
    source = {"select": {"services": ["*", "!consul", "!nothing"]}}
    compiled.configure(consul_config(shop.address, source=source))
    compiled.refused(1, "compile", "--locked")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["compile", "--exact"], "--exact needs --locked"),
        (["check", "--exact"], "--exact needs --live"),
    ],
)
def test_exact_alone_is_a_usage_error(compiled: Project, words: list[str], reason: str) -> None:
    assert reason in compiled.refused(2, *words).stderr


def test_locked_fails_on_the_first_run(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address)).refused(1, "compile", "--locked")


# --- --allow ----------------------------------------------------------------------------------------------------------


WORDS = ["deletes", "updates", "moves", "empty", "edited", "adopt", "orphans", "partial"]


def allowed_by(project: Project, *arguments: str) -> list[str]:
    """The words of --allow with which plan would not be refused."""
    return [word for word in WORDS if project.run("plan", *arguments, "--allow", word).returncode != 4]


@pytest.fixture
def crowd(project: Project, empty_consul: ConsulAgent) -> tuple[Project, ConsulAgent]:
    """Ten services, published."""
    for number in range(10):
        empty_consul.catalog_register("n1", f"s{number}", address="10.0.0.1", port=8000 + number)
    project.configure(consul_config(empty_consul.address)).done("compile")
    return project, empty_consul


@guards_alone
def test_deletes_and_nothing_else_lets_services_vanish(crowd: tuple[Project, ConsulAgent]) -> None:
    project, agent = crowd
    for number in range(4):
        agent.catalog_deregister("n1", f"s{number}")
    said = project.refused(4, "compile").stderr
    assert "error[guard-delete]: 4 of 10 services are not registered any more" in said
    assert "refused: nothing was published" in said
    assert allowed_by(project) == ["deletes"]
    project.refused(4, "compile", "--allow", "deletes=x*")
    assert project.run("plan", "--allow", "deletes=s*").returncode == 1
    project.done("compile", "--allow", "deletes=s0,deletes=s*")
    project.done("check", "--live")


@guards_alone
def test_updates_and_nothing_else_lets_services_change(crowd: tuple[Project, ConsulAgent]) -> None:
    project, agent = crowd
    for number in range(7):
        agent.catalog_register("n1", f"s{number}", address="10.0.0.1", port=8000 + number, tags=["new"])
    said = project.refused(4, "compile").stderr
    assert "error[guard-update]: 7 of 10 services would have fewer endpoints, or other tags" in said
    assert allowed_by(project) == ["updates"]
    project.refused(4, "compile", "--allow", "updates=x*")
    project.done("compile", "--allow", "updates=s*")


@guards_alone
def test_a_change_of_the_configuration_that_changes_every_url_scheme_is_refused(project: Project) -> None:
    def config(scheme: str, port: int) -> dict[str, object]:
        urls = {f"s{number}": f"{scheme}://10.0.0.{number}:{port}" for number in range(8)}
        return {**STATIC, "sources": {"partners": {"type": "static", "services": urls}}}

    project.configure(config("http", 80)).done("compile")
    assert "error[guard-update]" in project.configure(config("https", 80)).refused(4, "compile").stderr
    project.configure(config("http", 81)).done("compile")  # all moved, and nothing else


@guards_alone
def test_moves_and_nothing_else_lets_services_move_where_few_may(crowd: tuple[Project, ConsulAgent]) -> None:
    project, agent = crowd
    for number in range(7):
        agent.catalog_register("n1", f"s{number}", address="10.0.0.1", port=9000 + number)
    project.configure(consul_config(agent.address, guards={"move": "20%"}))
    assert "error[guard-move]: 7 of 10 services would move" in project.refused(4, "compile").stderr
    assert allowed_by(project) == ["moves"]
    project.done("compile", "--allow", "moves=s?")


@guards_alone
def test_empty_and_nothing_else_lets_everything_vanish(crowd: tuple[Project, ConsulAgent]) -> None:
    project, agent = crowd
    agent.catalog_deregister("n1")
    said = project.refused(4, "compile").stderr
    assert "error[guard-empty]" in said
    assert "error[guard-segment]" in said
    assert allowed_by(project) == ["empty"]
    project.done("compile", "--allow", "empty")
    assert yaml.safe_load(project.read("services.yaml"))["services"] == {}


def test_edited_and_nothing_else_lets_an_edited_file_be_replaced(project: Project) -> None:
    project.configure(STATIC).done("compile")
    project.write("services.yaml", "mine: true\n")
    assert project.refused(4, "compile").stderr.startswith("services.yaml:1:1: error[edited]: ")
    assert allowed_by(project) == ["edited"]
    project.refused(4, "compile", "--allow", "edited=registry.py")
    project.done("compile", "--allow", "edited=services.yaml")
    assert b"mine" not in project.read("services.yaml")


def test_adopt_and_nothing_else_lets_a_foreign_file_be_replaced(project: Project) -> None:
    project.configure(STATIC).write("services.yaml", "mine: true\n")
    assert "error[adopt]" in project.refused(4, "compile").stderr
    assert allowed_by(project) == ["adopt"]
    project.refused(4, "compile", "--allow", "adopt=registry.py")
    project.done("compile", "--allow", "adopt=services.yaml")
    assert b"mine" not in project.read("services.yaml")


def test_a_foreign_file_with_the_same_bytes_is_adopted_as_it_is(project: Project) -> None:
    project.configure(STATIC).done("compile")
    (project.folder / "frostline.manifest").unlink()
    project.done("compile")
    project.done("check")


def test_an_unknown_word_of_allow_is_refused(project: Project) -> None:
    project.configure(STATIC)
    for word in ("everything", "all", ""):
        said = project.refused(2, "compile", "--allow", word).stderr
        assert (
            f"error: --allow: there is no word `{word}`\n  help: the words are deletes[=GLOB], updates[=GLOB], " in said
        )
