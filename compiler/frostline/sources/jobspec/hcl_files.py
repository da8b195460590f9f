"""A job file in HCL2 as a Job."""

from __future__ import annotations

from collections.abc import Iterator

from frostline.hcl.nodes import BlockNode, Body
from frostline.hcl.source import HclError
from frostline.model import Bind
from frostline.sources.jobspec.blocks import Block, block_of
from frostline.sources.jobspec.job import Job, JobGroup, JobService, JobUpstream, bind_of
from frostline.sources.jobspec.shape import JOB
from frostline.sources.jobspec.variables import Context, Given, scope_of

_TOP = ("job", "locals", "variable", "variables")


def job_of_body(body: Body, given: Given, context: Context) -> tuple[Job, frozenset[str]]:
    """The job in the file, and the variables that the file declares. HclError: the first error."""
    job = _job_block(body)
    scope, variables = scope_of(body, given, context)
    return _job(block_of(job, JOB, body.source, scope)), variables


def _job_block(body: Body) -> BlockNode:
    source = body.source
    for attribute in body.attributes.values():
        raise HclError(f"unknown argument `{attribute.name}`", source.place(attribute.offset), help=_top_help())
    jobs = [block for block in body.blocks if block.kind == "job"]
    for block in body.blocks:
        if block.kind not in _TOP:
            raise HclError(f"unknown block `{block.kind}`", source.place(block.offset), help=_top_help())
    if not jobs:
        raise HclError("there is no block `job`", source.place(0), help='a job file has one block `job "NAME" {…}`')
    if len(jobs) > 1:
        raise HclError("a second block `job`", source.place(jobs[1].offset), help="a job file has one")
    return jobs[0]


def _top_help() -> str:
    return f"a job file has blocks {', '.join(f'`{kind}`' for kind in _TOP)}"


def _job(block: Block) -> Job:
    label = block.labels[0]
    # A task outside of groups gets a group of its own name (jobspec2, normalizeJob).
    alone = (_group(task.labels[0], (), [task]) for task in block.all("task"))
    groups = (_group(group.labels[0], group.blocks, group.all("task")) for group in block.all("group"))
    return Job(
        id=block.text("id", label),
        name=block.text("name", label),
        namespace=block.text("namespace") or "default",
        region=block.text("region"),
        groups=(*alone, *groups),
    )


def _group(name: str, own: tuple[Block, ...], tasks: list[Block]) -> JobGroup:
    networks = [block for block in own if block.kind == "network"]
    networks += [network for task in tasks for part in task.all("resources") for network in part.all("network")]
    services = [_service(block, "") for block in own if block.kind == "service"]
    services += [_service(block, task.labels[0]) for task in tasks for block in task.all("service")]
    return JobGroup(name=name, ports=_ports(networks), services=tuple(services))


def _ports(networks: list[Block]) -> dict[str, int]:
    return {port.labels[0]: port.whole("static") for network in networks for port in _port_blocks(network)}


def _port_blocks(network: Block) -> Iterator[Block]:
    yield from network.all("reserved_ports")
    yield from network.all("port")


def _service(block: Block, task: str) -> JobService:
    meta, weights = block.first("meta"), block.first("weights")
    return JobService(
        place=block.place,
        name=block.text("name"),
        port=block.text("port"),
        address=block.text("address"),
        tags=block.list_of_texts("tags"),
        meta=meta.texts if meta else {},
        weight=_weight(weights),
        task=task,
        places={name: block.place_of(name) for name in ("name", "port", "address", "tags")},
        upstreams=tuple(_upstream(upstream) for upstream in _upstream_blocks(block)),
    )


def _weight(weights: Block | None) -> int:
    if weights is None or "passing" not in weights.attributes:
        return 1
    return max(weights.whole("passing"), 0)


def _upstream_blocks(service: Block) -> Iterator[Block]:
    for connect in service.all("connect"):
        for sidecar in connect.all("sidecar_service"):
            for proxy in sidecar.all("proxy"):
                yield from proxy.all("upstreams")


def _upstream(block: Block) -> JobUpstream:
    destination = block.text("destination_name")
    if not destination:
        raise HclError("an upstream without `destination_name`", block.place)
    return JobUpstream(
        destination=destination,
        place=block.place,
        bind=_bind(block),
        kind=block.text("destination_type"),
        destination_namespace=block.text("destination_namespace"),
        datacenter=block.text("datacenter"),
        peer=block.text("destination_peer"),
    )


def _bind(block: Block) -> Bind:
    port = block.whole("local_bind_port")
    if not 0 <= port <= 65535:
        raise HclError(f"`local_bind_port` is not a port: {port}", block.place_of("local_bind_port"))
    return bind_of(block.text("local_bind_address"), port, block.text("local_bind_socket_path"))
