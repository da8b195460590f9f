"""The command in children of a process that has imported it all: forked in a moment, traced, killed at any call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SERVER = r"""
import contextlib, ctypes, io, json, os, sys
from frostline import __main__ as command
from frostline.cli import main as cli

def child(asked, gate):
    # Yama lets only ancestors trace, and strace is none: PR_SET_PTRACER, PR_SET_PTRACER_ANY.
    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
    os.setsid()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    os.dup2(os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
    os.dup2(os.open(asked["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
    os.read(gate, 1)
    sys.argv = ["frostline", *asked["arguments"]]
    try:
        command.main()
    except SystemExit as ended:
        status = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

def learn(asked):
    # What is imported on first use is imported here, once, and the children have it.
    os.chdir(asked["cwd"])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cli.run(asked["arguments"])
    os.chdir("/")
    print("null", flush=True)

for line in sys.stdin:
    asked = json.loads(line)
    if "out" not in asked:
        learn(asked)
        continue
    gate, opener = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            child(asked, gate)
        except BaseException:
            import traceback
            traceback.print_exc()
        os._exit(99)
    os.close(gate)
    print(json.dumps(pid), flush=True)
    sys.stdin.readline()
    os.write(opener, b".")
    print(json.dumps("gone"), flush=True)
    os.close(opener)
    print(json.dumps(os.waitpid(pid, 0)[1]), flush=True)
"""


class Done(NamedTuple):
    """How a run ended. status: its exit status, minus the signal that killed it."""

    status: int
    stdout: str
    stderr: str


class Warm:
    """One child at a time: `start`, perhaps attach to its pid, `go`, `wait`; or `run`, which does all."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def learn(self, *arguments: str, cwd: Path) -> None:
        """Runs the command once in the process that forks, so that every child knows the way."""
        self._tell({"arguments": arguments, "cwd": str(cwd)})
        assert self._told() is None

    def start(
        self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, terminal: str | None = None
    ) -> int:
        """The pid of a child that waits for `go`, in a session of its own. terminal: the path of its stderr."""
        asked = {
            "arguments": arguments,
            "cwd": str(cwd),
            "env": {"PATH": os.environ.get("PATH", os.defpath), **(env or {})},
            "out": self._stream("out"),
            "err": terminal or self._stream("err"),
        }
        self._tell(asked)
        return int(self._told())

    def go(self, *others: Warm) -> None:
        """Lets the child run, and those of others at the same moment."""
        for warm in (self, *others):
            warm._tell("go")
        for warm in (self, *others):
            warm._told()

    def wait(self) -> Done:
        status = int(self._told())
        texts = [Path(self._stream(name)).read_text(encoding="utf-8", errors="replace") for name in ("out", "err")]
        return Done(os.waitstatus_to_exitcode(status), *texts)

    def run(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Done:
        self.start(*arguments, cwd=cwd, env=env)
        self.go()
        return self.wait()

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
        self._folder.cleanup()

    def _stream(self, name: str) -> str:
        return str(Path(self._folder.name) / name)

    def _tell(self, value: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()

    def _told(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks has ended"
        return json.loads(line)


class Tracer:
    """strace on a child that waits. trace: system calls to note; inject: strace's `-e inject=` expressions."""

    def __init__(self, strace: str, pid: int, *, trace: str = "all", inject: Sequence[str] = ()) -> None:
        self._file = tempfile.NamedTemporaryFile("r", errors="replace")  # noqa: SIM115 - closed by `lines`
        expressions = [part for one in inject for part in ("-e", f"inject={one}")]
        command = [strace, "-f", "-s", "80", "-o", self._file.name, "-e", f"trace={trace}", *expressions]
        self._process = subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        said = self._process.stderr.readline()
        if "attached" not in said:
            self.lines()
            raise PermissionError(said)

    def lines(self) -> list[str]:
        """What was traced, once the child has ended."""
        assert self._process.stderr is not None
        self._process.wait(30)
        self._process.stderr.close()
        with self._file:
            return self._file.read().splitlines()
