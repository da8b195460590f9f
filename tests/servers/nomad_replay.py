"""A server that answers as a real Nomad 2.0 did, from recorded exchanges (tests/data/nomad).

It looks up a request by its path and its whole query, in any order. It refuses what was not recorded with 500, and
remembers it in `unknown`. Only these variants are made from recorded answers (`_Recorded.answer`):

- `region=global`, `stale=true`: the same answer, because there was one region with one server;
- `namespace=default`: the answer without a namespace, whose default this is;
- `index` and `wait`: the answer without them, once its index is higher, or the time and a sixteenth of it is over;
- jobs by `per_page`, `next_token` and `prefix`: parts of the recorded whole list, with the token NAMESPACE.ID that the
  recorded pages have.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Lock, Thread
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from loopback_http import LoopbackHTTPServer

RECORDED = Path(__file__).parents[1] / "data" / "nomad" / "exchanges.json"
META = {"X-Nomad-Knownleader": "true", "X-Nomad-Lastcontact": "0"}
Query = dict[str, str]


class Reply(NamedTuple):
    """value: JSON, or the bytes of the body. length: a false Content-Length; None: the true one."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})
    length: int | None = None

    @property
    def body(self) -> bytes:
        return self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()

    def with_headers(self, **headers: str | None) -> Reply:
        """Return the reply with these headers of Nomad (`Index`, `KnownLeader` …). None removes a header."""
        changed = {f"X-Nomad-{name}".title(): value for name, value in headers.items()}
        known = {name.title(): value for name, value in self.headers.items()}
        return self._replace(headers={name: value for name, value in (known | changed).items() if value is not None})


Bend = Callable[[Reply, Query], Reply]


def state(value: Any, index: int = 70) -> Reply:
    """Make an answer about the servers' state, with its index."""
    return Reply(value, headers={**META, "X-Nomad-Index": str(index)})


def instance(service: str, **more: Any) -> dict[str, Any]:
    """Make an instance as /v1/service/NAME lists it, in the namespace `default`."""
    default = {"ID": f"{service}-1", "ServiceName": service, "Namespace": "default", "NodeID": "n1", "AllocID": "a1"}
    return default | {"JobID": "j", "Port": 80, "ModifyIndex": 7, "Tags": None} | more


def stub(job: str, index: int = 5, **more: Any) -> dict[str, Any]:
    """Make a job as /v1/jobs lists it, in the namespace `default`."""
    return {"ID": job, "Namespace": "default", "JobModifyIndex": index, "Status": "running", "Stop": False} | more


def job(name: str, *upstreams: Mapping[str, Any], index: int = 5, **more: Any) -> dict[str, Any]:
    """Make a job as /v1/job/NAME shows it: one group, `g`, with one service, whose sidecar has these upstreams."""
    service = {"Name": "s", "Connect": {"SidecarService": {"Proxy": {"Upstreams": list(upstreams) or None}}}}
    group = {"Name": "g", "Services": [service], "Tasks": None}
    return {"ID": name, "Namespace": "default", "JobModifyIndex": index, "TaskGroups": [group]} | more


class _Recorded:
    """The recorded answers: (path, query) -> reply."""

    def __init__(self) -> None:
        exchanges = json.loads(RECORDED.read_text(encoding="utf-8"))["exchanges"]
        self._answers: dict[tuple[str, frozenset[tuple[str, str]]], Reply] = {}
        for exchange in exchanges:
            parts, body = urlsplit(exchange["path"]), exchange["body"]
            reply = Reply(body.encode() if isinstance(body, str) else body, exchange["status"], exchange["headers"])
            self._answers[parts.path, frozenset(parse_qsl(parts.query))] = reply

    def answer(self, path: str, query: Query) -> Reply | None:
        same = {("region", "global"), ("stale", "true")}
        asked = frozenset(query.items()) - same
        exact = self._answers.get((path, asked)) or self._answers.get((path, asked - {("namespace", "default")}))
        parts = {"per_page", "next_token", "prefix"}
        if exact is not None or path != "/v1/jobs" or parts.isdisjoint(query):
            return exact
        whole = self.answer(path, {name: value for name, value in query.items() if name not in parts})
        return whole and _part(whole, query)


def _part(whole: Reply, query: Query) -> Reply:
    def token(job: dict[str, str]) -> str:
        return f"{job['Namespace']}.{job['ID']}"

    jobs = [
        job
        for job in whole.value
        if job["ID"].startswith(query.get("prefix", "")) and token(job) >= query.get("next_token", "")
    ]
    size = int(query.get("per_page", len(jobs)))
    reply = whole._replace(value=jobs[:size])
    return reply.with_headers(NextToken=token(jobs[size])) if size < len(jobs) else reply


class NomadReplay:
    """The server. port, address: where it listens.

    bends: path -> a function that changes the recorded answer (an empty one if nothing is recorded).
    asked: (path, query) of each request. tokens: those of the requests. unknown: requests that were not recorded.
    """

    def __init__(self) -> None:
        self.bends: dict[str, Bend] = {}
        self.asked: list[tuple[str, Query]] = []
        self.tokens: set[str] = set()
        self.unknown: list[str] = []
        self._recorded = _Recorded()
        self._lock = Lock()
        self._server = LoopbackHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self.address = f"http://127.0.0.1:{self.port}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def fix(self, path: str, *replies: Reply) -> None:
        """Answer requests of this path with one reply after the other, then always with the last."""
        left = list(replies)
        self.bends[path] = lambda *_: left.pop(0) if len(left) > 1 else left[0]

    def paths(self) -> list[str]:
        """Return the paths of the requests, without queries."""
        return [path for path, _ in self.asked]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, target: str) -> Reply:
        parts = urlsplit(target)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True))
        self.asked.append((path, dict(query)))
        index, wait = int(query.pop("index", 0)), int(query.pop("wait", "0ms").removesuffix("ms")) / 1000
        until = time.monotonic() + wait * (1 + 1 / 16)
        while True:
            reply = self._answer_now(target, path, query)
            if not index or int(reply.headers.get("X-Nomad-Index", index + 1)) > index or time.monotonic() > until:
                return reply
            time.sleep(0.01)

    def _answer_now(self, target: str, path: str, query: Query) -> Reply:
        with self._lock:
            recorded = self._recorded.answer(path, query)
            bend = self.bends.get(path)
            if bend is not None:
                return bend(recorded or state([]), query)
            if recorded is None:
                self.unknown.append(target)
                return Reply(f"not recorded: {target}".encode(), 500)
            return recorded

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                if "X-Nomad-Token" in self.headers:
                    replay.tokens.add(self.headers["X-Nomad-Token"])
                reply = replay._answer(self.path)
                self.send_response(reply.status)
                length = str(len(reply.body) if reply.length is None else reply.length)
                for name, value in {**reply.headers, "Content-Length": length}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
                self.close_connection = reply.length is not None

            def log_message(self, *_: object) -> None:
                pass

        return Handler
