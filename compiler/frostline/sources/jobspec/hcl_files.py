"""Read a job file in HCL2 as a Job."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from frostline.hcl.nodes import BlockNode, Body
from frostline.hcl.source import HclError
from frostline.model import FileOrigin
from frostline.sources.jobspec.blocks import Block, evaluate_block
from frostline.sources.jobspec.job import (
    Job,
    JobGroup,
    JobPort,
    JobService,
    JobTask,
    JobUpstream,
    Need,
    NeedError,
    NotKnown,
    Text,
    Whole,
)
from frostline.sources.jobspec.shape import JOB
from frostline.sources.jobspec.variables import Context, Given, Variables, make_scope
from frostline.text import did_you_mean

_TOP = ("job", "locals", "variable", "variables")


class HclJob(Struct, frozen=True):
    """What a file says. job: None if it needs a value that is not known (`need`). variables: those that it declares."""

    job: Job | None
    variables: Variables
    need: Need | None = None


def read_hcl_job(body: Body, given: Given, context: Context) -> HclJob:
    """Read the job in the file. HclError: the first error."""
    job = _find_job_block(body)
    scope, variables = make_scope(body, given, context)
    try:
        return HclJob(_read_job(evaluate_block(job, JOB, body.source, scope)), variables)
    except NeedError as error:
        return HclJob(None, variables, error.need)


def _find_job_block(body: Body) -> BlockNode:
    source = body.source
    for attribute in body.attributes.values():
        raise HclError(f"unknown argument `{attribute.name}`", source.place(attribute.offset), help=_top_help())
    jobs = [block for block in body.blocks if block.kind == "job"]
    for block in body.blocks:
        if block.kind not in _TOP:
            help_line = did_you_mean(block.kind, _TOP, _top_help())
            raise HclError(f"unknown block `{block.kind}`", source.place(block.offset), help=help_line)
    if not jobs:
        raise HclError("there is no block `job`", source.place(0), help='a job file has one block `job "NAME" {…}`')
    if len(jobs) > 1:
        first = source.place(jobs[0].offset)
        help_line = f"a job file has one: move one of them into another file; the first is at {first}"
        raise HclError("a second block `job`", source.place(jobs[1].offset), help=help_line)
    return jobs[0]


def _top_help() -> str:
    return f"a job file has blocks {', '.join(f'`{kind}`' for kind in _TOP)}"


def _read_job(block: Block) -> Job:
    label = block.labels[0]
    # A task outside of groups gets a group of its own name (jobspec2, normalizeJob).
    alone = (_read_group(task.labels[0], (), [task]) for task in block.all("task"))
    groups = (_read_group(group.labels[0], group.blocks, group.all("task")) for group in block.all("group"))
    parameterized = block.first("parameterized")
    return Job(
        place=block.place,
        id=block.text("id", label),
        name=block.text("name", label),
        namespace=block.text("namespace") or "default",
        region=block.text("region"),
        groups=(*alone, *groups),
        meta=_collect_texts(block.blocks, "meta"),
        has_children=block.first("periodic") is not None or parameterized is not None,
        dispatched_meta=_read_dispatched_meta(parameterized) if parameterized else frozenset(),
    )


def _read_dispatched_meta(parameterized: Block) -> frozenset[str]:
    keys = [parameterized.list_of_texts(name) for name in ("meta_required", "meta_optional")]
    return frozenset(key for found in keys if isinstance(found, tuple) for key in found if isinstance(key, str))


def _collect_texts(blocks: tuple[Block, ...], kind: str) -> dict[str, Text]:
    return {name: text for block in blocks if block.kind == kind for name, text in block.texts.items()}


def _read_group(name: str, own: tuple[Block, ...], tasks: list[Block]) -> JobGroup:
    networks = [block for block in own if block.kind == "network"]
    networks += [network for task in tasks for part in task.all("resources") for network in part.all("network")]
    services = [_read_service(block, "") for block in own if block.kind == "service"]
    services += [_read_service(block, task.labels[0]) for task in tasks for block in task.all("service")]
    return JobGroup(
        name=name,
        ports=_read_ports(networks),
        services=tuple(services),
        meta=_collect_texts(own, "meta"),
        tasks={
            task.labels[0]: JobTask(env=_collect_texts(task.blocks, "env"), meta=_collect_texts(task.blocks, "meta"))
            for task in tasks
        },
    )


def _read_ports(networks: list[Block]) -> dict[str, JobPort]:
    return {
        port.labels[0]: JobPort(_read_port(port, "static"), _read_port(port, "to"))
        for network in networks
        for port in (*network.all("reserved_ports"), *network.all("port"))
    }


def _read_port(block: Block, name: str, least: int = -1) -> Whole:
    """Read a port, or 0 if Nomad chooses it, which the file may also write as -1."""
    port = block.whole(name)
    if isinstance(port, NotKnown):
        return port
    if not least <= port <= 65535:
        raise HclError(f"`{name}` is not a port: {port}", block.place_of(name), help="ports are between 0 and 65535")
    return max(port, 0)


def _read_service(block: Block, task: str) -> JobService:
    weights = block.first("weights")
    return JobService(
        place=block.place,
        name=block.text("name"),
        port=block.text("port"),
        address=block.text("address"),
        address_mode=block.text("address_mode"),
        tags=block.list_of_texts("tags"),
        meta=_collect_texts(block.blocks, "meta"),
        weight=_read_weight(weights),
        task=task,
        places=_places(block),
        upstreams=tuple(_read_upstream(upstream) for upstream in _upstream_blocks(block)),
        gateway=any(connect.first("gateway") for connect in block.all("connect")),
    )


def _places(service: Block) -> dict[str, FileOrigin]:
    places = {name: service.place_of(name) for name in ("name", "port", "address", "tags")}
    meta = service.first("meta")
    return {**places, "meta": meta.place} if meta else places


def _read_weight(weights: Block | None) -> Whole:
    if weights is None or "passing" not in weights.attributes:
        return 1
    weight = weights.whole("passing")
    return weight if isinstance(weight, NotKnown) else max(weight, 0)


def _upstream_blocks(service: Block) -> Iterator[Block]:
    for connect in service.all("connect"):
        for sidecar in connect.all("sidecar_service"):
            for proxy in sidecar.all("proxy"):
                yield from proxy.all("upstreams")


def _read_upstream(block: Block) -> JobUpstream:
    destination = block.text("destination_name")
    if not destination:
        raise HclError("an upstream without `destination_name`", block.place)
    return JobUpstream(
        place=block.place,
        destination=destination,
        address=block.text("local_bind_address"),
        port=_read_port(block, "local_bind_port", least=0),
        socket=block.text("local_bind_socket_path"),
        kind=block.text("destination_type"),
        destination_namespace=block.text("destination_namespace"),
        datacenter=block.text("datacenter"),
        peer=block.text("destination_peer"),
    )
