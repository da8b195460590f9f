"""One moment: what a freeze proves is never torn, while a reader that proves nothing is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from children import Warm
from consul_agent import ConsulAgent
from pairs import NODES, PAIRS, Writer, is_torn
from published import tree_of
from wire import Aim, Fault, Reply, WireProxy

from frostline.errors import SourceError
from frostline.lock import codec as lock_codec
from frostline.model import FileOrigin
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.load.config import load_config
from frostline.settings import LiveLimits
from frostline.sources.consul import reading as consul_reading
from frostline.sources.consul.client import CONSUL
from frostline.sources.consul.reading import SegmentQuery, SegmentReader
from frostline.sources.consul.wire import RegistrationMaker
from frostline.sources.http.address import parse_address
from frostline.sources.http.session import Session
from frostline.sources.http.transport import Transport

PLACE = FileOrigin("frostline.yaml", 1, 1)
QUERY = SegmentQuery(datacenter="dc1", dc="dc1", services=("*", "!consul"))
PAUSES = (0.0, 0.003, 0.03, 0.2)
"""Seconds between two writes: from as fast as it can to what a proof can win against."""

Found = list[tuple[str, str]]


@pytest.fixture
def reader(consul: ConsulAgent) -> Iterator[SegmentReader]:
    address = parse_address(consul.address, "address", PLACE)
    with Session(
        Transport("mesh", PLACE, address, LiveLimits(retries=0), token_header="X-Consul-Token"), CONSUL
    ) as session:
        yield SegmentReader(session, QUERY, registrations=RegistrationMaker())


@pytest.fixture
def writer(consul: ConsulAgent) -> Iterator[Writer]:
    consul.reset()
    started = Writer(consul.port)
    yield started
    started.stop()
    consul.reset()


def seen(found: Any) -> Found:
    return [(each.service, each.meta.get("generation", "")) for each in found]


def proved(reader: SegmentReader, way: str) -> Found | None:
    """What this way proves; None where the catalog moved in every one of its reads."""
    outcome = getattr(reader, way)(reader.list_names())
    return None if outcome is None else seen(outcome.registrations)


def naive(reader: SegmentReader, way: str) -> Found:
    """The same requests, once each, and no proof."""
    listing = reader.list_names()
    if way == "by_node":
        outcome, _ = reader._read_nodes(listing)
        return seen(outcome.registrations) if outcome else []
    answers = reader._session.in_parallel(reader._read_service, listing.names)
    return seen(reader._make_registration(instance) for answer in answers for instance in answer.instances)


def is_enough(counts: Counter[str]) -> bool:
    """Whether the writer was fast enough to tear what can be torn, and slow enough for each way to prove something."""
    return all(counts[each] for each in ("naive reads torn", "by_service proved", "by_node proved", "by_dump proved"))


def test_no_freeze_is_torn_while_a_naive_reader_is(
    reader: SegmentReader, writer: Writer, full: bool, figures: Callable[..., None]
) -> None:
    counts: Counter[str] = Counter()
    rounds = 200 if full else 10
    for number in range(10 * rounds):
        if number >= rounds and is_enough(counts):
            break
        writer.pace(PAUSES[number % len(PAUSES)])
        for way in ("by_service", "by_node", "by_dump"):
            found = proved(reader, way)
            counts[f"{way} {'moved in every read' if found is None else 'proved'}"] += 1
            counts["torn"] += found is not None and is_torn(found)
        for way in ("by_service", "by_node"):
            counts["naive reads"] += 1
            counts["naive reads torn"] += is_torn(naive(reader, way))
        whole = reader.read()
        counts["freezes"] += 1
        counts["torn"] += is_torn(seen(whole.registrations))
    counts["writes"] = writer.pace(None) * PAIRS
    assert counts["torn"] == 0, counts
    assert is_enough(counts), f"it proves nothing: {counts}"
    figures("snapshots", **counts)


CONFIG = {
    "version": 1,
    "sources": {"mesh": {"type": "consul", "datacenters": ["dc1"], "retries": 0}},
    "outputs": [{"type": "yaml", "path": "all.yaml"}],
}


def configured(folder: Path, address: str) -> Path:
    source = {**CONFIG["sources"]["mesh"], "address": address}
    path = folder / "frostline.yaml"
    path.write_text(json.dumps({**CONFIG, "sources": {"mesh": source}}))
    return path


def test_on_a_quiet_catalog_each_way_gives_the_same_lock(
    writer: Writer, consul: ConsulAgent, folder: Path, figures: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(configured(folder, consul.address))
    locks = []
    for way in ("by_service", "by_node", "by_dump"):
        with monkeypatch.context() as patched:
            method = getattr(SegmentReader, way)
            for other in ("by_service", "by_node", "by_dump"):
                patched.setattr(SegmentReader, other, method)
            locks.append(b"".join(lock_codec.lock_chunks(freeze(config, None).snapshots)))
    assert locks[0].count(b'"service"') == 2 * PAIRS
    assert locks[0] == locks[1] == locks[2]
    figures("snapshots", locks_compared=len(locks))


@pytest.fixture
def proxy(consul: ConsulAgent) -> Iterator[WireProxy]:
    started = WireProxy(consul.port)
    yield started
    started.close()


def restless() -> Fault:
    """A catalog whose index is another in every answer: it moves faster than anybody can read it."""
    moves = iter(range(10**9, 2 * 10**9))

    def edit(reply: Reply) -> Reply:
        return reply.with_header("-index", str(next(moves)))

    return Fault("restless", edit)


def kinds(asked: list[str]) -> Counter[str]:
    """How many requests of each kind."""
    return Counter(
        re.sub(r"/(health/(?:service|connect)|catalog/node-services)/.*", r"/\1/*", unquote(each).split("?")[0])
        for each in asked
    )


@pytest.mark.parametrize("few", [50, 0])
def test_a_catalog_that_never_rests_is_read_three_times_and_dumped_once(
    writer: Writer, proxy: WireProxy, folder: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consul_reading, "_FEW", few)
    config = load_config(configured(folder, proxy.address))
    proxy.renew(Aim(restless()))
    found = freeze(config, None).snapshots[0].instances
    assert len(found) == 2 * PAIRS
    asked = kinds(proxy.asked)
    assert asked["/v1/internal/ui/nodes"] == 1
    if few:
        assert asked["/v1/health/service/*"] == asked["/v1/health/connect/*"] == 3 * 2 * 2 * PAIRS
    else:
        assert asked["/v1/catalog/node-services/*"] == 3 * (NODES + 1)
        assert asked["/v1/health/state/any"] == 3 + 3  # readings and probes
    assert len(proxy.asked) < (200 if few else 100)


def test_a_dump_that_lacks_what_is_listed_ends_with_3(
    writer: Writer, proxy: WireProxy, folder: Path, warm: Warm
) -> None:
    configured(folder, proxy.address)
    edit = restless().edit
    assert edit is not None

    def without_a_service(reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        value = json.loads(reply.body)
        for node in value if isinstance(value, list) else ():
            if "Services" in node:
                node["Services"] = [each for each in node["Services"] or () if each["Service"] != "left0-v1"]
        return edit(reply._replace(body=json.dumps(value).encode()))

    proxy.renew(Aim(Fault("a dump that lacks one", without_a_service)))
    before = tree_of(folder)
    done = warm.run("compile", cwd=folder)
    assert done.status == 3, done.stderr
    assert "no instance answers for `left0-v1`" in done.stderr
    assert tree_of(folder) == before
    assert kinds(proxy.asked)["/v1/internal/ui/nodes"] == 1


def test_a_writer_at_full_speed_ends_with_a_registry_or_with_3(
    writer: Writer, consul: ConsulAgent, folder: Path, full: bool, figures: Callable[..., None]
) -> None:
    config = load_config(configured(folder, consul.address))
    writer.pace(0.0)
    frozen = refused = 0
    for _ in range(100 if full else 5):
        try:
            found = freeze(config, None).snapshots[0].instances
        except SourceError as error:
            assert "no instance answers for" in error.message
            refused += 1
            continue
        assert not is_torn([(each.service, each.meta["generation"]) for each in found])
        frozen += 1
    assert frozen
    figures("snapshots", freezes_at_full_speed=frozen, refused_at_full_speed=refused, torn=0)


def test_the_closing_proof_of_a_whole_catalog_asks_for_no_second_big_answer(
    writer: Writer,
    proxy: WireProxy,
    folder: Path,
    figures: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    config = load_config(configured(folder, proxy.address))
    proxy.renew()
    freeze(config, None)
    probes = {target: size for target, size in proxy.sent.items() if "filter=Node" in target or "node-meta=" in target}
    assert len(probes) == 3
    assert sum(probes.values()) <= 3 * 2 * 4, probes
    big = Counter(kinds([target for target in proxy.asked if target not in probes]))
    assert big["/v1/catalog/nodes"] == big["/v1/health/state/any"] == 1
    assert big["/v1/catalog/node-services/*"] == NODES + 1
    figures("snapshots", bytes_read=sum(proxy.sent.values()), bytes_of_the_proof=sum(probes.values()))
