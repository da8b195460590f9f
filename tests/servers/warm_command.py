"""Run the command without starting an interpreter: each run is a fork of a process that has imported everything.

A run has its own process, folder, environment, streams and exit status, as if it was started by hand. It takes 0.05 s
of a core; `python -m frostline` takes 0.4 s. What depends on the start (`--version`, locales, hash seeds, modules that
are imported too early) must be tested with `python -m frostline`. `frostline-ci`, and the frostline that it starts, run
in the same way.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from threading import Lock
from typing import Any, NoReturn

_LENGTH = 8
"""The bytes that hold the length of a request."""
_TIMED_OUT = -1000


class WarmCommand:
    """The process that forks. It ends with `stop`, or with the process that made it."""

    def __init__(self) -> None:
        self._one_at_a_time = Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve()), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        input: str | None,
        timeout: float,
        as_in_terminal: bool = False,
        program: str = "frostline",
    ) -> subprocess.CompletedProcess[str]:
        """Run the command as `subprocess.run` does, with its output as UTF-8 text.

        as_in_terminal: stdout gets both streams, in the order of the writes.
        program: `frostline` or `frostline-ci`.
        """
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            if input is not None:
                given.write(input.encode())
                given.seek(0)
            ours, theirs = socket.socketpair()
            with ours, theirs:
                request = {"arguments": list(arguments), "cwd": str(cwd), "env": dict(env), "timeout": timeout}
                request |= {"has_input": input is not None, "program": program}
                streams = [given.fileno(), out.fileno(), (out if as_in_terminal else err).fileno(), theirs.fileno()]
                body = json.dumps(request).encode()
                with self._one_at_a_time:
                    socket.send_fds(self._socket, [len(body).to_bytes(_LENGTH, "big")], streams)
                    self._socket.sendall(body)
                theirs.close()
                status = int(ours.makefile("rb").read() or b"-9")
            if status == _TIMED_OUT:
                raise subprocess.TimeoutExpired(list(arguments), timeout)
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode("utf-8", errors="surrogateescape"))
        return subprocess.CompletedProcess(list(arguments), status, *texts)

    def stop(self) -> None:
        self._socket.close()
        self._process.wait()


def _serve(connection: socket.socket) -> None:
    """Fork for each request until the other end closes the connection."""
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks that watch a run
    while True:
        length, streams, _, _ = socket.recv_fds(connection, _LENGTH, 4)
        if not length:
            return
        request = json.loads(_received(connection, int.from_bytes(length, "big")))
        if os.fork() == 0:
            connection.close()
            _watch(request, streams)
        for stream in streams:
            os.close(stream)


def _import_everything() -> None:
    import frostline

    for module in walk_packages(frostline.__path__, "frostline."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    import gc

    import frostline.__main__

    gc.freeze()  # forks share the memory pages of objects that the collector never touches


def _received(connection: socket.socket, length: int) -> bytes:
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return body


def _watch(request: Mapping[str, Any], streams: Sequence[int]) -> NoReturn:
    """Run the command in a child and send its exit status, as `subprocess` reports it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *standard, answer = streams
    child = os.fork()
    if child == 0:
        os.close(answer)
        _become_the_command(request, standard)

    def kill(number: int, frame: object) -> None:
        os.kill(child, signal.SIGKILL)
        nonlocal timed_out
        timed_out = True

    timed_out = False
    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, request["timeout"])
    _, status = os.waitpid(child, 0)
    code = _TIMED_OUT if timed_out else os.waitstatus_to_exitcode(status)
    os.write(answer, str(code).encode())
    os._exit(0)


def _become_the_command(request: Mapping[str, Any], standard: Sequence[int]) -> NoReturn:
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    given = os.open(os.devnull, os.O_RDONLY) if not request["has_input"] else standard[0]
    for number, stream in enumerate((given, *standard[1:])):
        os.dup2(stream, number)
    for stream in {given, *standard}:
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the streams of the run
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)  # noqa: SIM115
    sys.argv = [request["program"], *request["arguments"]]
    main = _PROGRAMS[request["program"]]()
    status: Any = 1
    try:
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - as an interpreter does
        import traceback

        traceback.print_exc()
    for output in (sys.stdout, sys.stderr):
        try:
            output.flush()
        except (OSError, ValueError):
            status = 120
    os._exit(status)


def _frostline() -> Callable[[], None]:
    from frostline.__main__ import main

    return main


def _frostline_ci() -> Callable[[], None]:
    from frostline.ci import running
    from frostline.ci.__main__ import main

    def fork(arguments: Sequence[str], environment: Mapping[str, str], quietly: bool) -> running.Run:
        """As `running.start`, but for the start of an interpreter."""
        given, taken = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(given)
            request = {"program": "frostline", "arguments": arguments, "cwd": str(Path.cwd()), "env": environment}
            errors = os.open(os.devnull, os.O_WRONLY) if quietly else os.dup(2)
            _become_the_command(request | {"has_input": False}, [os.dup(0), taken, errors])
        os.close(taken)
        with os.fdopen(given, encoding="utf-8", errors="replace") as text:
            said = text.read()
        return running.Run(status=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text=said)

    running.start = fork
    return main


_PROGRAMS = {"frostline": _frostline, "frostline-ci": _frostline_ci}


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
