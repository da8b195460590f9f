"""What is fuzzed: functions that take the bytes of one hostile text, and texts of each kind to start from.

A function raises FrostlineError for what is none, and nothing else; what it returns is a text that must be the same
again, or None.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path

import msgspec
from msgspec import Struct

from frostline.errors import FrostlineError, SourceError
from frostline.files.targets import Root
from frostline.lock.codec import lock_chunks, parse_lock
from frostline.lock.confirmed import Confirmation, confirmed_chunks, parse_confirmed
from frostline.model import FileOrigin, SegmentAnswer
from frostline.pipeline.load.config import load_config
from frostline.plan.saved import Basis, Saved, read_saved, saved_bytes
from frostline.publish.journal import Journal, Step, read_journal, staged_name
from frostline.publish.manifest import manifest_chunks, parse_manifest
from frostline.registry.selection.selecting import snapshot_of
from frostline.settings import Allow, LiveSettings
from frostline.sources.consul import wire as consul
from frostline.sources.http.connection import ResponseParser, TooLargeError
from frostline.sources.http.session import MalformedBody, decode_json
from frostline.sources.jobspec import source as jobspec
from frostline.sources.jobspec.settings import JobspecSettings
from frostline.sources.nomad import submitted
from frostline.sources.nomad import wire as nomad

TESTS = Path(__file__).parents[1]
SAMPLES = TESTS.parent / "samples"
_PLACE = FileOrigin("frostline.yaml", 3, 3)

Parse = Callable[[bytes, Path], bytes | None]
"""(text, a folder of its own, which is the working folder) -> the text again, or None where there is no one form."""


class Target(Struct, frozen=True):
    """parse: what is fuzzed. file: what the text is called in the folder. seeds: texts of this kind.

    sealed: (text, folder) -> what is written into the file, so that a changed text is not refused for its digest, or
    for the folder that it names, alone.
    """

    parse: Parse
    seeds: tuple[bytes, ...]
    file: str = "text"
    sealed: Callable[[bytes, Path], bytes] = lambda text, folder: text


def _lock(text: bytes, folder: Path) -> bytes:
    return b"".join(lock_chunks(parse_lock(text, "frostline.lock").snapshots))


def _manifest(text: bytes, folder: Path) -> None:
    """Its lines may be in any order, as a merge leaves them; they are written sorted."""
    read = parse_manifest(text, "frostline.manifest")
    assert parse_manifest(b"".join(manifest_chunks(read)), "frostline.manifest") == read


def _confirmed(text: bytes, folder: Path) -> bytes:
    return b"".join(confirmed_chunks(parse_confirmed(text, "frostline.confirmed").values()))


def _journal(text: bytes, folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        read_journal(Root(fd, folder, folder))
    finally:
        os.close(fd)


def _plan(text: bytes, folder: Path) -> None:
    read_saved(folder / "plan.json")


def _config(text: bytes, folder: Path) -> None:
    load_config(folder / "frostline.yaml")


def _job(text: bytes, folder: Path) -> None:
    files = ("*.nomad.hcl", "*.json")
    settings = JobspecSettings(name="jobs", origin=_PLACE, folder=folder, root=folder, files_origin=_PLACE, files=files)
    jobspec.declare(settings)


def _consul(text: bytes, folder: Path) -> None:
    try:
        found = [*consul.from_entries(decode_json(text, list[consul.DescribedEntry]))]
        maker = consul.RegistrationMaker(("rack",))
        registrations = tuple(maker.make(one) for one in found)
    except (MalformedBody, consul.InvalidRegistration) as error:
        raise SourceError(str(error)) from None
    _frozen(SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=registrations))


def _nomad(text: bytes, folder: Path) -> None:
    try:
        found = decode_json(text, list[nomad.ServiceRegistration])
    except MalformedBody as error:
        raise SourceError(str(error)) from None
    registrations = tuple(nomad.make_registration(one, "passing", "global") for one in found)
    _frozen(SegmentAnswer(source="live", datacenter="global", namespace="default", registrations=registrations))


def _nomad_job(text: bytes, folder: Path) -> None:
    try:
        job = decode_json(text, nomad.Job)
    except MalformedBody as error:
        raise SourceError(str(error)) from None
    submitted.upstreams_of(job, "global")


def _frozen(answer: SegmentAnswer) -> None:
    """What a server says is written as a lock that can be read."""
    settings = LiveSettings(name=answer.source, type="consul", origin=_PLACE)
    snapshot = snapshot_of(answer, settings, "sha256:" + "0" * 64)
    text = b"".join(lock_chunks([snapshot]))
    assert b"".join(lock_chunks(parse_lock(text, "frostline.lock").snapshots)) == text


def _head(text: bytes, folder: Path) -> None:
    parser = ResponseParser()
    try:
        for at in range(0, len(text), 7):
            parser.feed(memoryview(text)[at : at + 7])
        if not parser.ended:
            parser.end()
    except (HTTPException, TooLargeError) as error:
        raise SourceError(str(error)) from None
    finally:
        parser.close()


def _texts(*patterns: str) -> tuple[bytes, ...]:
    """The texts of these samples."""
    found = [path.read_bytes() for pattern in patterns for path in sorted(SAMPLES.glob(pattern))]
    return tuple(text for text in found if len(text) < 20_000)


_SHA = "sha256:" + "0" * 64
_CONFIRMED = b"".join(
    confirmed_chunks(
        Confirmation(source="mesh", datacenter=name, namespace="default", digest=_SHA, at="2027-01-01T00:00:00Z")
        for name in ("dc1", "dc2")
    )
)
_STEPS = (
    Step(target="a/b", staged=staged_name("0123456789abcdef", 0), sha256="0" * 64, old=None),
    Step(target="c", staged=None, sha256=None, old="0" * 64),
)
_JOURNAL = msgspec.json.encode(Journal(committed=True, root=(7, 7), folders=("a",), steps=_STEPS))
_BASIS = Basis(only=(), allow=Allow(), today="2027-01-01", inputs={"frostline.yaml": _SHA}, lock=_SHA, manifest=None)
_PLAN, _DIGEST = saved_bytes(
    {"format": "frostline.plan/1", "services": [], "files": []},
    Saved(made="2027-01-01T00:00:00Z", basis=_BASIS, changes=(), new_lock='{"format":"frostline.lock/1"}\n'),
)
_PLAN = _PLAN.removesuffix(f',"digest":"{_DIGEST}"}}\n'.encode()) + b"}"


def _at_home(text: bytes, folder: Path) -> bytes:
    """The journal's root is this folder."""
    found = folder.stat()
    return text.replace(b"[7,7]", f"[{found.st_dev},{found.st_ino}]".encode())


def _sealed(text: bytes, folder: Path) -> bytes:
    return text[:-1] + f',"digest":"sha256:{sha256(text).hexdigest()}"}}\n'.encode()


_ENTRIES = b"""[{"Node":{"Node":"n1","Address":"10.0.0.1","Meta":{"rack":"r1"},"TaggedAddresses":{"lan":"10.0.0.1"}},
"Service":{"ID":"a-1","Service":"a-v1","Address":"","Port":80,"Tags":["x"],"Meta":{"k":"v"},"Weights":{"Passing":1,
"Warning":1},"TaggedAddresses":{"wan":{"Address":"1.2.3.4","Port":81}},"Ports":[{"Name":"http","Port":80,"Default":true}]},
"Checks":[{"CheckID":"c","Status":"passing","ServiceID":"a-1"}]},
{"Node":{"Node":"n2","Address":"10.0.0.2"},"Service":{"ID":"a-2","Service":"a-v1","Port":80},"Checks":null}]"""
_NATIVE = b"""[{"ID":"_nomad-task-1","ServiceName":"web-v1","Namespace":"default","NodeID":"n","AllocID":"1",
"ModifyIndex":3,"JobID":"shop","Datacenter":"dc1","Address":"10.0.0.1","Port":20001,"Tags":["a"]}]"""
_SUBMITTED = b"""{"ID":"shop","Namespace":"default","JobModifyIndex":7,"Name":"shop","Version":0,"SubmitTime":1,
"TaskGroups":[{"Name":"web","Services":[{"Name":"s","Connect":{"SidecarService":{"Proxy":{"Upstreams":[
{"DestinationName":"a","LocalBindPort":81}]}}}}]}]}"""
_HEADS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Consul-Index: 7\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nX-Consul-Index: 9\r\n\r\n",
    b"HTTP/1.0 503 No leader\r\n\r\nno",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
)
_CONFIG_SEEDS = (
    b'version: 1\nsources:\n  a: {type: static, services: {b: "https://b"}}\noutputs: [{type: yaml, path: o}]\n',
)

TARGETS = {
    "lock": Target(_lock, _texts("*/frostline.lock")),
    "manifest": Target(_manifest, _texts("*/frostline.manifest")),
    "confirmed": Target(_confirmed, (_CONFIRMED,)),
    "journal": Target(_journal, (_JOURNAL,), ".frostline.journal", _at_home),
    "plan": Target(_plan, (_PLAN,), "plan.json", _sealed),
    "config": Target(_config, (*_CONFIG_SEEDS, *_texts("*/frostline.yaml")), "frostline.yaml"),
    "job-hcl": Target(_job, _texts("job-files/jobs/*.hcl"), "a.nomad.hcl"),
    "job-json": Target(_job, _texts("job-files/jobs/*.json"), "a.json"),
    "consul": Target(_consul, (_ENTRIES,)),
    "nomad": Target(_nomad, (_NATIVE,)),
    "nomad-job": Target(_nomad_job, (_SUBMITTED,)),
    "http-head": Target(_head, _HEADS),
}


def problem(name: str, text: bytes, folder: Path) -> str | None:
    """What is wrong with how this target takes the text; None: nothing."""
    target = TARGETS[name]
    try:
        again = target.parse(text, folder)
    except FrostlineError as error:
        return None if error.status in (2, 3, 4, 5) else f"it ends with {error.status}"
    return None if again is None or again == text else "what is read is not what is written again"
