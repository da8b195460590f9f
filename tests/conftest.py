"""The real servers of the tests: each started on first use, one a test process, ended with it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from consul_agent import AclAgent, ConsulAgent, tls_agent, version_of
from consul_peers import PeeredPair
from consul_wan import WanPair
from nginx_server import Nginx
from processes import start_on_free_ports
from programs import MISSING, how_to_get, missing, path_of
from project import Run
from puppet_data import look_up
from warm_command import WarmCommand

from frostline.cli import main as cli
from frostline.text import allow_comparisons

# A shell that starts the tests in the background lets them, and so every command that they start, ignore these two.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

CONSULS = ("consul-1.8", "consul-1.14")
"""The Consuls that the tests run, the oldest first. $FROSTLINE_CONSUL replaces both."""


@pytest.fixture(autouse=True)
def allowed_comparisons() -> None:
    """Each test may be told what was meant, however much others have compared."""
    allow_comparisons()


_OURS = ("CONSUL_", "NOMAD_", "GITHUB_", "PYTEST_")
_COLORS = {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "PY_COLORS"}
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


def _scrubbed(environment: dict[str, str]) -> dict[str, str]:
    """Without what would change what frostline does: servers, colors, proxies, the machine's CI."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(_OURS) and name not in _COLORS and name.lower() not in _PROXIES and name != "CI"
    }


# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("frostline", deadline=None)
hypothesis.settings.load_profile("frostline")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "oldest_consul(why): runs on the oldest Consul only, because its version cannot make a difference"
    )
    for name in [name for name in os.environ if name.startswith(("CONSUL_", "NOMAD_"))]:
        del os.environ[name]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that uses a Consul runs on each of CONSULS, unless it has the mark `oldest_consul`."""
    if "consul_binary" not in metafunc.fixturenames:
        return
    if os.environ.get("FROSTLINE_CONSUL"):
        consuls = {"given": CONSULS[0]}
    elif metafunc.definition.get_closest_marker("oldest_consul"):
        consuls = {CONSULS[0].removeprefix("consul-"): CONSULS[0]}
    else:
        consuls = {name.removeprefix("consul-"): name for name in CONSULS}
    metafunc.parametrize("consul_binary", consuls.values(), ids=consuls, indirect=True, scope="session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each server that was missing: what was not tested and how to get it."""
    skipped: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", ()):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if MISSING in reason:
            skipped.setdefault(reason.split(MISSING)[1], []).append(report.nodeid.split("::")[0])
    for server, files in sorted(skipped.items()):
        where = ", ".join(sorted(set(files)))
        terminalreporter.write_line(
            f"{server} is missing: {len(files)} tests not run ({where}); to get it: {how_to_get(server)}", yellow=True
        )


@pytest.fixture(scope="session")
def consul_binary(request: pytest.FixtureRequest) -> str:
    """The path of a real `consul`, of each of CONSULS in turn."""
    return path_of(request.param)


@pytest.fixture(scope="session")
def consul(consul_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsulAgent]:
    """An agent shared by all tests of this process; what others registered may be in it. See `empty_consul`."""
    agent = start_on_free_ports(lambda: ConsulAgent(consul_binary, tmp_path_factory.mktemp("consul")))
    yield agent
    agent.stop()


@pytest.fixture
def empty_consul(consul: ConsulAgent) -> ConsulAgent:
    """The shared agent with nothing registered."""
    consul.reset()
    return consul


@pytest.fixture(scope="session")
def consul_wan(consul_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WanPair]:
    """Two datacenters joined over WAN; call its `reset()` first."""
    pair = start_on_free_ports(lambda: WanPair(consul_binary, tmp_path_factory.mktemp("wan")))
    yield pair
    pair.stop()


@pytest.fixture(scope="session")
def consul_acl(consul_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AclAgent]:
    """An agent with ACLs on; call its `reset()` first."""
    agent = start_on_free_ports(lambda: AclAgent(consul_binary, tmp_path_factory.mktemp("acl")))
    yield agent
    agent.stop()


@pytest.fixture(scope="session")
def consul_tls(consul_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsulAgent]:
    """An agent that speaks https to clients with a certificate only (`.tls`); call its `reset()` first."""
    agent = start_on_free_ports(lambda: tls_agent(consul_binary, tmp_path_factory.mktemp("tls")))
    yield agent
    agent.stop()


@pytest.fixture(scope="session")
def peered_consuls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeeredPair]:
    """Two clusters of the newest Consul, which can be peered; call its `reset()` first."""
    binary = path_of(CONSULS[-1])
    if version_of(binary) < (1, 14):  # $FROSTLINE_CONSUL
        pytest.skip("this Consul knows no peers")
    pair = start_on_free_ports(lambda: PeeredPair(binary, tmp_path_factory.mktemp("peers")))
    yield pair
    pair.stop()


@pytest.fixture(scope="session")
def puppet() -> str:
    """The path of a real `puppet`."""
    return path_of("puppet")


@pytest.fixture
def puppet_lookup(puppet: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """`puppet_lookup(source, keys, facts={})`: what a real Puppet looks up, many keys in one process of half a second.

    source: a folder with a hiera.yaml, a hiera.yaml (version 5), or a folder or file of YAML or JSON data, which is
    then read as one layer. facts: name -> value, for `%{facts.NAME}` in a hiera.yaml or in values.
    keys: as Puppet's lookup() takes them: a dot digs into a value unless the key is quoted ('"a.b"').

    Returns key -> value; a key that Puppet does not find is not in it (KeyError). Values have Puppet's types: String
    is str (bytes where it is no UTF-8), Integer int, Float float, Boolean bool, Undef None, Array list, Hash dict
    whose keys may be str or int. So `no` unquoted is False, `1,000` is 1000. `%{…}` is interpolated as Puppet does.

    Raises puppet_data.LookupFailedError, `.errors`: key -> message, where Puppet refuses: a file that does not parse
    or holds a date, a value that is a Symbol (`:sym`), an interpolation that fails. Puppet makes a Symbol that is a
    key of a hash a String without its colon.
    """

    def lookup(source: Path, keys: Iterable[str], facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return look_up(puppet, source, keys, facts or {}, tmp_path_factory.mktemp("puppet"))

    return lookup


@pytest.fixture(scope="session")
def nginx_binary() -> str:
    """The path of a real `nginx`."""
    return path_of("nginx")


@pytest.fixture
def nginx(nginx_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """`nginx(text)`: starts a real nginx, which ends with the test, and returns its address, `http://127.0.0.1:PORT`.

    text: the content of an `http {}` block, in which `@PORT@` stands for the port to listen on, e.g.
    `server { listen 127.0.0.1:@PORT@; location / { return 204; } }`; `include /absolute/path;` works.
    Raises nginx_server.RefusedConfigurationError with nginx's message where `nginx -t` refuses it.
    """
    started: list[Nginx] = []

    def start(text: str) -> str:
        server = start_on_free_ports(lambda: Nginx(nginx_binary, tmp_path_factory.mktemp("nginx"), text))
        started.append(server)
        return server.address

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def strace() -> str:
    """The path of a `strace` that may trace the processes of this user."""
    found = path_of("strace")
    allowed = subprocess.run([found, "-qq", "true"], capture_output=True, text=True, check=False)
    if allowed.returncode:
        missing("strace", allowed.stderr)
    return found


_OF_THE_START = ("PYTHON", "LC_", "LANG", "TZ")
"""Variables that the interpreter reads when it starts."""


@pytest.fixture(scope="session")
def run_frostline_from_cold() -> Callable[..., Run]:
    """`run_frostline`, started as users start it: for what depends on the start of the interpreter."""

    def run(*arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, input: str | None = None) -> Run:
        return subprocess.run(
            [sys.executable, "-m", "frostline", *map(str, arguments)],
            cwd=cwd,
            env=_scrubbed(dict(os.environ)) | (env or {}),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def warm_command() -> Iterator[WarmCommand]:
    """Runs of `frostline` and `frostline-ci` in processes of their own, without the start of an interpreter."""
    warm = WarmCommand()
    yield warm
    warm.stop()


@pytest.fixture(scope="session")
def run_frostline(run_frostline_from_cold: Callable[..., Run], warm_command: WarmCommand) -> Callable[..., Run]:
    """`run_frostline(*arguments, cwd, env=None, input=None, **more)`: the command in a process of its own, with its
    output.

    env: variables beside those of this process, from which what concerns servers and colors is taken away.
    The process is a fork of one that has imported all (see `warm_command`, for `more` too), unless env has what the
    start depends on.
    """

    def run(
        *arguments: str | Path,
        cwd: Path,
        env: dict[str, str] | None = None,
        input: str | None = None,
        **more: bool,
    ) -> Run:
        if any(name.startswith(_OF_THE_START) for name in env or ()) or "--version" in arguments:
            return run_frostline_from_cold(*arguments, cwd=cwd, env=env, input=input)
        whole = _scrubbed(dict(os.environ)) | (env or {})
        words = [str(argument) for argument in arguments]
        return warm_command.run(words, cwd=cwd, env=whole, input=input, timeout=120, **more)

    return run


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """`run_frostline` in this process, which saves it the start: for modules with many runs."""

    def run(*arguments: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Run:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(cwd)
            for name in ("CI", "NO_COLOR"):
                patch.delenv(name, raising=False)
            patch.setenv("COLUMNS", "80")
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            status = cli.run([str(argument) for argument in arguments])
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
        return Run(arguments, status, *texts)

    return run
