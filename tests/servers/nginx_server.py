"""A real nginx, for the tests."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from pathlib import Path

from processes import NotStartedError, Server, free_port

PORT = "@PORT@"
"""Stands for the port in a configuration's `listen`."""

MAIN = """daemon off;
{user}worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{http}
}}
"""


class RefusedConfigurationError(Exception):
    """`nginx -t` refuses the configuration; the message is nginx's."""


class Nginx:
    """An nginx that serves `http`: the content of an `http {}` block, with PORT in place of the port to listen on.

    address: http://127.0.0.1:PORT. Raises RefusedConfigurationError.
    """

    def __init__(self, binary: str, folder: Path, http: str) -> None:
        if PORT not in http:
            raise ValueError(f"no {PORT} in the configuration")
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        # As root, nginx would run its workers as another user, who cannot enter the tests' folders.
        user = f"user {pwd.getpwuid(0).pw_name};\n" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(MAIN.format(user=user, http=http.replace(PORT, str(self.port))), encoding="utf-8")
        # -e: nginx would log to a system folder until it has read the configuration.
        command = [binary, "-e", "stderr", "-p", f"{folder}/", "-c", str(config)]
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        if tested.returncode:
            raise RefusedConfigurationError(tested.stderr)
        self.server = Server(command, folder / "nginx.log", folder)
        try:
            self.server.wait_until(self._listens, "nginx")
        except NotStartedError:
            self.stop()
            raise

    def _listens(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5):
            return True

    def stop(self) -> None:
        self.server.stop()
