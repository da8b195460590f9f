"""A client of yaml-language-server: what an editor shows of a file.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

SETTINGS = {"yaml": {"schemaStore": {"enable": False}}}
"""No list of schemas from a server."""
_SECONDS = 60
_CAPABILITIES = {
    "workspace": {"configuration": True},
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True}},
        "hover": {"contentFormat": ["markdown"]},
    },
}


class LanguageServer:
    """A server, and the files of a folder that an editor has opened with it."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._process = subprocess.Popen([*command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._received: Queue[dict[str, Any]] = Queue()
        self._numbers, self._folder = count(1), folder
        self._receiver = Thread(target=self._receive, daemon=True)
        self._receiver.start()
        self._ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": _CAPABILITIES})
        self._tell("initialized", {})

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._receiver.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def problems(self, text: str) -> list[tuple[int, int, str]]:
        """(line, column, message) of each mark in a file with this text; both count from 1."""
        uri = self._open(text)
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                starts = [(found["range"]["start"], found["message"]) for found in message["params"]["diagnostics"]]
                return [(start["line"] + 1, start["character"] + 1, said) for start, said in starts]

    def completions(self, text: str) -> dict[str, str]:
        """What is offered at the `|` in this text: label -> what choosing it inserts, a snippet."""
        offered = self._at_mark("textDocument/completion", text)
        items = offered["items"] if isinstance(offered, dict) else offered
        return {item["label"]: item.get("insertText", item["label"]) for item in items}

    def hover(self, text: str) -> str:
        """What is shown at the `|` in this text, in Markdown."""
        return str(self._at_mark("textDocument/hover", text)["contents"]["value"])

    def _at_mark(self, method: str, text: str) -> Any:
        before, _, after = text.partition("|")
        uri = self._open(before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return self._ask(method, {"textDocument": {"uri": uri}, "position": position})

    def _open(self, text: str) -> str:
        uri = (self._folder / f"{next(self._numbers)}.yaml").as_uri()
        self._tell(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}},
        )
        return uri

    def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _tell(self, method: str, params: Mapping[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _next(self) -> dict[str, Any]:
        """The next message; requests of the server are answered."""
        message = self._received.get(timeout=_SECONDS)
        if "id" in message and "method" in message:
            items = message["params"].get("items", []) if message["method"] == "workspace/configuration" else None
            answer = None if items is None else [SETTINGS.get(item["section"]) for item in items]
            self._send({"id": message["id"], "result": answer})
        return message

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> None:
        """Until the server ends."""
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline():
            if line.startswith(b"Content-Length:"):
                length = int(line.partition(b":")[2])
            elif line == b"\r\n":
                self._received.put(json.loads(self._process.stdout.read(length)))
