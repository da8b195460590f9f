"""GitHub and GitLab as far as `frostline-ci` uses them, on loopback: their REST APIs in memory, and real git over HTTP.

No real host runs here. The answers follow the references:
https://docs.github.com/en/rest and https://docs.gitlab.com/api/
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from loopback_http import LoopbackHTTPServer

PROJECT = "acme/shop"
APP, PERSON, READER = "token-of-an-app", "token-of-a-person", "token-that-reads"


class Account(NamedTuple):
    id: int
    login: str
    type: str


ACCOUNTS = {
    APP: Account(1, "github-actions[bot]", "Bot"),
    PERSON: Account(2, "ann", "User"),
    READER: Account(1, "github-actions[bot]", "Bot"),
}
STRANGER = Account(3, "mallory", "User")


class Item:
    """A pull request or an issue."""

    def __init__(self, number: int, title: str, text: str, **more: Any) -> None:
        self.number, self.title, self.text = number, title, text
        self.state = "open"
        self.more = more


class Comment(NamedTuple):
    id: int
    number: int
    text: str
    author: Account


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def body(self) -> dict[str, Any]:
        """Return the body that GitHub sends, which lists the reasons of a 422."""
        if self.status != 422:
            return {"message": self.message}
        return {"message": "Validation Failed", "errors": [{"resource": "PullRequest", "message": self.message}]}


class CodeHost:
    """bare: the repository that receives pushes. Comments go to its pull request number 7.

    pulls, issues, comments: the oldest first. requests: `METHOD /path` of each call of the API.
    before_push: called once, when a push begins.
    """

    def __init__(self, bare: Path) -> None:
        self.bare = bare
        self.pulls: list[Item] = []
        self.issues: list[Item] = []
        self.comments: list[Comment] = []
        self.requests: list[str] = []
        self.before_push: Callable[[], None] | None = None
        self.down = False
        self.one_at_a_time = threading.Lock()
        self._server = LoopbackHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"host": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def open_pulls(self) -> list[Item]:
        return [pull for pull in self.pulls if pull.state == "open"]

    def say(self, text: str, author: Account = STRANGER) -> None:
        """Add a comment to pull request 7."""
        self.comments.append(Comment(len(self.comments) + 1, 7, text, author))

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.bare, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def edit_comment(self, id: int, text: str) -> Comment:
        old = self.comments[id - 1]
        self.comments[id - 1] = old._replace(text=text)
        return self.comments[id - 1]

    def add_comment(self, number: int, text: str, author: Account) -> Comment:
        self.comments.append(Comment(len(self.comments) + 1, number, text, author))
        return self.comments[-1]

    def open_pull(self, title: str, text: str, branch: str, base: str) -> Item:
        if not self.git("rev-list", f"{base}..{branch}"):
            raise Refused(422, f"No commits between {base} and {branch}")
        if any(pull.more["branch"] == branch and "fork" not in pull.more for pull in self.open_pulls()):
            raise Refused(422, f"A pull request already exists for {branch}.")
        self.pulls.append(Item(100 + len(self.pulls), title, text, branch=branch, base=base))
        return self.pulls[-1]

    def open_issue(self, title: str, text: str, labels: list[str], author: Account = STRANGER) -> Item:
        self.issues.append(Item(500 + len(self.issues), title, text, labels=labels, author=author))
        return self.issues[-1]

    def close(self, item: Item) -> None:
        item.state = "closed"
        item.more["sha"] = self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{item.more.get('branch')}")

    def sha(self, pull: Item) -> str:
        """Return the tip of the pull request's branch; of a closed one, the tip when it was closed."""
        tip = self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{pull.more['branch']}")
        return str(pull.more["sha"]) if pull.state == "closed" and "sha" in pull.more else tip


def find(items: list[Item], number: str) -> Item:
    return next(item for item in items if item.number == int(number))


# --- GitHub -----------------------------------------------------------------------------------------------------------


def github(host: CodeHost, who: Account, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Any:
    if path == "/user":
        if who.type == "Bot":
            raise Refused(403, "Resource not accessible by integration")
        return who._asdict()
    path = path.removeprefix(f"/repos/{PROJECT}")
    match method, path.strip("/").split("/"):
        case "GET", ["issues", number, "comments"]:
            return [_gh_comment(comment) for comment in host.comments if comment.number == int(number)]
        case "POST", ["issues", number, "comments"]:
            return _gh_comment(host.add_comment(int(number), body["body"], who))
        case "PATCH", ["issues", "comments", id]:
            return _gh_comment(host.edit_comment(int(id), body["body"]))
        case "GET", ["pulls"]:
            fitting = [
                pull
                for pull in reversed(host.pulls)
                if f"acme:{pull.more['branch']}" == query["head"] and query.get("base") in (None, pull.more["base"])
            ]
            return [_gh_pull(host, pull) for pull in fitting if pull.state == query["state"]]
        case "POST", ["pulls"]:
            return _gh_pull(host, host.open_pull(body["title"], body["body"], body["head"], body["base"]))
        case "PATCH", ["pulls", number]:
            return _gh_pull(host, _edit(host, find(host.pulls, number), body, "body", body.get("state") == "closed"))
        case "GET", ["issues"]:
            assert (query["state"], query["labels"], query["direction"]) == ("open", "frostline", "asc")
            return [_gh_issue(issue) for issue in host.issues if issue.state == "open"]
        case "POST", ["issues"]:
            return _gh_issue(host.open_issue(body["title"], body["body"], body["labels"], who))
        case "PATCH", ["issues", number]:
            return _gh_issue(_edit(host, find(host.issues, number), body, "body", body.get("state") == "closed"))
    raise Refused(404, "Not Found")


def _edit(host: CodeHost, item: Item, body: dict[str, Any], text: str, closes: bool) -> Item:
    item.title = body.get("title", item.title)
    item.text = body.get(text, item.text)
    if closes:
        host.close(item)
    return item


def _gh_comment(comment: Comment) -> dict[str, Any]:
    return {"id": comment.id, "body": comment.text, "user": comment.author._asdict(), "node_id": "x"}


def _gh_pull(host: CodeHost, pull: Item) -> dict[str, Any]:
    return {
        "number": pull.number,
        "html_url": f"{host.url}/{PROJECT}/pull/{pull.number}",
        "title": pull.title,
        "body": pull.text,
        "head": {"ref": pull.more["branch"], "sha": host.sha(pull), "repo": pull.more.get("fork", {"id": 42})},
        "base": {"ref": pull.more["base"], "sha": host.git("rev-parse", pull.more["base"]), "repo": {"id": 42}},
        "merged_at": pull.more.get("merged_at"),
    }


def _gh_issue(issue: Item) -> dict[str, Any]:
    url = f"https://github.example/{PROJECT}/issues/{issue.number}"
    author = issue.more["author"]._asdict()
    return {"number": issue.number, "html_url": url, "title": issue.title, "body": issue.text, "user": author}


# --- GitLab -----------------------------------------------------------------------------------------------------------


def gitlab(host: CodeHost, who: Account, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Any:
    if path == "/user":
        return {"id": who.id, "username": who.login}
    kinds = {"merge_requests": host.pulls, "issues": host.issues}
    match method, path.removeprefix("/projects/42/").split("/"):
        case "GET", ["merge_requests", number, "notes"]:
            return [_gl_note(comment) for comment in host.comments if comment.number == int(number)]
        case "POST", ["merge_requests" | "issues", number, "notes"]:
            return _gl_note(host.add_comment(int(number), body["body"], who))
        case "PUT", ["merge_requests", _, "notes", id]:
            return _gl_note(host.edit_comment(int(id), body["body"]))
        case "GET", ["merge_requests"]:
            fitting = [
                pull
                for pull in reversed(host.pulls)
                if pull.more["branch"] == query["source_branch"]
                and query.get("target_branch") in (None, pull.more["base"])
            ]
            return [_gl_item(host, pull) for pull in fitting if _gl_state(pull) == query["state"]]
        case "GET", ["issues"]:
            return [_gl_item(host, issue) for issue in host.issues if _gl_state(issue) == query["state"]]
        case "POST", ["merge_requests"]:
            words = body["title"], body["description"], body["source_branch"], body["target_branch"]
            return _gl_item(host, host.open_pull(*words))
        case "POST", ["issues"]:
            return _gl_item(host, host.open_issue(body["title"], body["description"], body["labels"].split(","), who))
        case "PUT", ["merge_requests" | "issues" as kind, number]:
            closes = body.get("state_event") == "close"
            return _gl_item(host, _edit(host, find(kinds[kind], number), body, "description", closes))
    raise Refused(404, "404 Project Not Found")


def _gl_state(item: Item) -> str:
    return "opened" if item.state == "open" else item.state


def _gl_note(comment: Comment) -> dict[str, Any]:
    return {"id": comment.id, "body": comment.text, "author": {"id": comment.author.id}, "system": False}


def _gl_item(host: CodeHost, item: Item) -> dict[str, Any]:
    url = f"{host.url}/{PROJECT}/-/{item.number}"
    value = {"iid": item.number, "web_url": url, "title": item.title, "description": item.text}
    if "branch" not in item.more:
        return {**value, "author": {"id": item.more["author"].id}}
    return {
        **value,
        "sha": host.sha(item),
        "source_project_id": 42,
        "target_project_id": 42,
        "target_branch": item.more["base"],
    }


# --- HTTP -------------------------------------------------------------------------------------------------------------

Api = Callable[[CodeHost, Account, str, str, dict[str, str], dict[str, Any]], Any]
APIS: dict[str, Api] = {"/github": github, "/gitlab": gitlab}


class _Handler(BaseHTTPRequestHandler):
    """Answers calls of the APIs, and git's requests."""

    host: CodeHost
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        url = urlsplit(self.path)
        data = b"".join(_body(self))
        prefix = next((prefix for prefix in APIS if url.path.startswith(prefix)), None)
        if prefix is None:
            self.git(url.path, url.query, data)
            return
        self.host.requests.append(f"{self.command} {url.path}")
        try:
            self.reply(200, json.dumps(self.call(APIS[prefix], url.path.removeprefix(prefix), url.query, data)))
        except Refused as refused:
            self.reply(refused.status, json.dumps(refused.body()))

    def call(self, api: Api, path: str, query: str, data: bytes) -> Any:
        if self.host.down:
            raise Refused(503, "Unavailable")
        token = self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in ACCOUNTS:
            raise Refused(401, "Bad credentials")
        if token == READER and self.command != "GET":
            raise Refused(403, "Resource not accessible by integration")
        words = {name: values[0] for name, values in parse_qs(query).items()}
        with self.host.one_at_a_time:
            answer = api(self.host, ACCOUNTS[token], self.command, path, words, json.loads(data) if data else {})
        if isinstance(answer, list):
            size, page = int(words["per_page"]), int(words["page"])
            return answer[(page - 1) * size : page * size]
        return answer

    def git(self, path: str, query: str, data: bytes) -> None:
        """Run git's own CGI program, if the token may write."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        token = base64.b64decode(value).decode().partition(":")[2] if kind == "Basic" else ""
        if token not in (APP, PERSON):
            self.reply(401, "who?", 'WWW-Authenticate: Basic realm="git"')
            return
        if query == "service=git-receive-pack" and self.host.before_push:
            act, self.host.before_push = self.host.before_push, None
            act()
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.host.bare.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": ACCOUNTS[token].login,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path.removeprefix("/acme"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(data)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=environment, input=data, capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        status = next((line for line in lines if line.startswith("Status:")), "Status: 200").split()[1]
        self.reply(int(status), body, *(line for line in lines if not line.startswith("Status:")))

    def reply(self, status: int, body: str | bytes, *headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for header in headers:
            name, _, value = header.partition(": ")
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass

    do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815


def _body(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    """Yield the request's body, whole or in chunks, as git sends a large one."""
    if handler.headers.get("Transfer-Encoding") != "chunked":
        yield handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        return
    while size := int(re.split(rb"[;\r]", handler.rfile.readline())[0], 16):
        yield handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
