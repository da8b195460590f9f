"""`make quickstart`: compiles this sample from nothing, in build/quickstart, and calls a service through the result.

The service is real: a small HTTP server on a free port of the loopback interface, which ends with this program.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

SAMPLE = Path(__file__).resolve().parent
FOLDER = SAMPLE.parents[1] / "build" / "quickstart"
INPUTS = ("frostline.yaml", "frostline.lock", "hosts.txt.j2", "jobs", "call.py")


def main() -> None:
    with serve_billing() as (address, requests):
        say("1. Inputs only, in build/quickstart. The lock holds what Consul answered, so no Consul is needed.")
        copy_inputs()
        print_files(files())
        say(f"`billing` is a server that this program has started. Its address, {address}, is all that is changed:")
        replace(FOLDER / "frostline.yaml", "https://billing.example", address)
        run("diff", "../../samples/quickstart/frostline.yaml", "frostline.yaml", expected=1)

        say("2. What would frostline write? Exit status 1 means that there are changes.")
        run("frostline", "plan", "--offline", expected=1)

        say("3. Write it: all files or none.")
        before = files()
        run("frostline", "compile", "--offline")
        say("Files written:")
        print_files(files() - before)
        run("grep", "billing", "app/registry.py")

        say("4. A program calls `billing` by its name.")
        run("cat", "call.py")
        run("python", "call.py")
        say("The server of `billing` was asked:")
        print(*(f"  {request}" for request in requests), sep="\n", flush=True)


class Billing(BaseHTTPRequestHandler):
    """Answers every GET with an invoice, and keeps the request lines."""

    requests: list[str] = []

    def do_GET(self) -> None:
        self.requests.append(self.requestline)
        body = b'{"total": "12.50 EUR"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr: main() shows the requests."""


@contextmanager
def serve_billing() -> Iterator[tuple[str, list[str]]]:
    """The URL of a server that runs meanwhile, and the lines of the requests that it got so far."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Billing) as server:  # port 0: the system chooses a free one
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", Billing.requests
        finally:
            server.shutdown()


def copy_inputs() -> None:
    """Makes FOLDER anew."""
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    FOLDER.mkdir(parents=True)
    for name in INPUTS:
        copy = shutil.copytree if (SAMPLE / name).is_dir() else shutil.copy
        copy(SAMPLE / name, FOLDER / name)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        sys.exit(f"{path}: `{old}` should be there once")
    path.write_text(text.replace(old, new), encoding="utf-8")


def files() -> set[str]:
    """The paths of all files in FOLDER, relative to it."""
    return {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}


def print_files(paths: set[str]) -> None:
    print(*(f"  {path}" for path in sorted(paths)), sep="\n", flush=True)


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def run(*command: str, expected: int = 0) -> None:
    """Shows the command and runs it in FOLDER; ends this program unless the exit status is the expected one."""
    say(f"$ {' '.join(command)}")
    binaries = Path(sys.executable).parent  # of the virtual environment: `frostline`, `python`
    environment = os.environ | {
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    status = subprocess.run(command, cwd=FOLDER, env=environment, check=False).returncode
    if status != expected:
        sys.exit(f"\n`{' '.join(command)}` ended with exit status {status}, not {expected}")


if __name__ == "__main__":
    main()
