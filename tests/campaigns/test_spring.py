"""`builtin: spring` in real Spring Boots, old and new: SimpleDiscoveryClient finds a hostile catalog as it is.

Only in the whole campaign: Maven fetches each Spring, and one takes ten seconds to start.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from catalog import HOSTILE, freeze_catalog, odd_instances
from loopback import LoopbackServer
from processes import start_on_free_ports
from programs import path_of
from project import Project, Run

READER = Path(__file__).with_name("spring")
# Spring Framework has an escape for `${` since 6.2, the one below Boot 3.4.
VERSIONS = {
    "Boot 2.7": {"boot": "2.7.18", "commons": "3.1.9", "snakeyaml": "1.33"},
    "Boot 3.4": {"boot": "3.4.5", "commons": "4.2.1", "snakeyaml": "2.4"},
}
# What Spring takes for syntax of its own in a name, and in a value.
REFUSED = [name for name in HOSTILE if "[" in name or "]" in name or "#{" in name or "\\${" in name]


class Instance(NamedTuple):
    """What Spring says of an instance."""

    uri: str
    metadata: dict[str, str]


def found(config: Path, versions: dict[str, str], folder: Path) -> dict[str, list[Instance]]:
    """Service -> its instances, as a Spring Boot with this configuration finds them."""
    class_path = folder / "class-path"
    values = {**versions, "mdep.outputFile": class_path}
    properties = [f"-D{name}={value}" for name, value in values.items()]
    subprocess.run(
        [path_of("mvn"), "-q", "-B", "-f", READER / "pom.xml", "dependency:build-classpath", *properties],
        check=True,
        capture_output=True,
    )
    arguments = (f"--spring.config.location={config}", "--spring.main.banner-mode=off")
    done = subprocess.run(
        [path_of("java"), "-cp", class_path.read_text(), READER / "Reader.java", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    services: dict[str, list[Instance]] = {}
    for line in done.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        if kind not in ("service", "instance"):  # what Spring logs
            continue
        texts = [base64.b64decode(text[1:]).decode() for text in rest.split(" ")]
        if kind == "service":
            services[texts[0]] = []
        else:
            list(services.values())[-1].append(Instance(texts[0], dict(zip(texts[1::2], texts[2::2], strict=True))))
    return services


@pytest.fixture(scope="module")
def servers() -> tuple[LoopbackServer, ...]:
    addresses = (*["127.0.0.1"] * 3, "::1")
    started = tuple(start_on_free_ports(lambda at=at: LoopbackServer(at)) for at in addresses)  # type: ignore[misc]
    for server in started:  # nobody calls them: their ports are all that is needed
        server.stop()
    return started


@pytest.mark.parametrize("versions", VERSIONS.values(), ids=VERSIONS)
def test_spring_finds_a_hostile_catalog_as_it_is(
    folder: Path,
    full: bool,
    versions: dict[str, str],
    servers: tuple[LoopbackServer, ...],
    run_here: Callable[..., Run],
    tmp_path: Path,
) -> None:
    if not full:
        pytest.skip("Maven fetches Spring in `make campaign`")
    names = [name for name in HOSTILE if name not in REFUSED]
    output = {"type": "template", "builtin": "spring", "path": "services.yaml"}
    freeze_catalog(folder, [output], odd_instances(servers, names))
    Project(folder, run_here).done("compile", "--offline")
    services = found(folder / "services.yaml", versions, tmp_path)
    for name in names:
        (instance,) = services[name]
        assert instance.metadata == {"owner": name, "weight": "1", "zone": "dc1"}
    first, second, third, six = servers
    expected = [f"http://{server.name}" for server in (first, second)]
    assert sorted(instance.uri for instance in services["payments-v1"]) == sorted(expected)
    assert [instance.metadata["tier"] for instance in services["payments-v1"]] in (["a", "b"], ["b", "a"])
    assert [instance.uri for instance in services["payments-v2"]] == [f"http://{third.name}"]
    assert [instance.uri for instance in services["ledger"]] == [f"http://{six.name}"]
    assert sorted(instance.metadata["weight"] for instance in services["weights-v1"]) == ["1", "65535"]
    assert [instance.uri for instance in services["mail"]] == [f"http://localhost:{first.port}"]
    assert len(services["many"]) == 1000
    assert not services.get("empty-v1")


@pytest.mark.parametrize("name", REFUSED)
def test_what_spring_takes_for_its_own_is_refused(
    folder: Path, name: str, servers: tuple[LoopbackServer, ...], run_here: Callable[..., Run]
) -> None:
    output = {"type": "template", "builtin": "spring", "path": "services.yaml"}
    freeze_catalog(folder, [output], odd_instances(servers, [name]))
    done = Project(folder, run_here).refused(2, "compile", "--offline")
    assert "Spring" in done.stderr
