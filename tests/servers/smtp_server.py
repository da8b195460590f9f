"""A mail server on loopback (the part of RFC 5321 that smtplib needs), which records recipients."""

from __future__ import annotations

from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class _Session(StreamRequestHandler):
    def handle(self) -> None:
        self._say(b"220 loopback")
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb.startswith(b"RCPT TO:"):
                self.server.recipients.append(line.decode().partition("<")[2].partition(">")[0])  # type: ignore[attr-defined]
            if verb == b"DATA":
                self._say(b"354 go on")
                while self.rfile.readline().strip() != b".":
                    pass
            self._say(b"221 bye" if verb == b"QUIT" else b"250 ok")
            if verb == b"QUIT":
                return

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


class SmtpServer(ThreadingTCPServer):
    """Runs as soon as it is made. port: on 127.0.0.1. recipients: those of all mails, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.recipients: list[str] = []
        self.port: int = self.server_address[1]
        self._thread = Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
