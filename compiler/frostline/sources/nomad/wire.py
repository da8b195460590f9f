"""The types of the answers of Nomad's HTTP API (/v1), and how to make registrations from them.

Nomad may write empty lists and maps as null; unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, field

from frostline.model import Health, Registration

Port = Annotated[int, Meta(ge=0, le=65535)]

_HEALTH: Mapping[str, Health] = {"success": "passing", "failure": "critical", "pending": "critical"}


class AgentConfig(Struct, frozen=True, rename="pascal"):
    region: str


class AgentSelf(Struct, frozen=True):
    """/v1/agent/self."""

    config: AgentConfig


class Namespace(Struct, frozen=True, rename="pascal"):
    """An element of /v1/namespaces."""

    name: str


class ServiceName(Struct, frozen=True, rename="pascal"):
    service_name: str


class NamespaceServices(Struct, frozen=True, rename="pascal"):
    """An element of /v1/services."""

    namespace: str
    services: list[ServiceName] | None = None


class ServiceRegistration(Struct, frozen=True, rename="pascal"):
    """An element of /v1/service/NAME. modify_index changes when an instance is registered again under its id."""

    id: str = field(name="ID")
    service_name: str
    namespace: str
    node_id: str = field(name="NodeID")
    alloc_id: str = field(name="AllocID")
    modify_index: int
    job_id: str = field(name="JobID")
    datacenter: str = ""
    address: str = ""
    port: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] = 0
    tags: list[str] | None = None


class DeploymentStatus(Struct, frozen=True, rename="pascal"):
    canary: bool = False


class Allocation(Struct, frozen=True, rename="pascal"):
    """An element of /v1/job/ID/allocations. An allocation stops being a canary when its deployment is promoted."""

    id: str = field(name="ID")
    deployment_status: DeploymentStatus | None = None

    @property
    def is_canary(self) -> bool:
        return self.deployment_status is not None and self.deployment_status.canary


class Check(Struct, frozen=True, rename="pascal"):
    """A value of /v1/client/allocation/ID/checks. task: "" for a check of a group's service."""

    service: str
    status: str
    check: str = ""
    task: str = ""


Checks = dict[str, Check] | None


class JobStub(Struct, frozen=True, rename="pascal"):
    """An element of /v1/jobs. job_modify_index changes only with the specification."""

    id: str = field(name="ID")
    namespace: str
    job_modify_index: int
    parent_id: str = field(name="ParentID", default="")
    status: str = ""
    stop: bool = False

    @property
    def declares(self) -> bool:
        """Whether the job declares anything. A dead or stopped job does not."""
        return not self.stop and self.status != "dead"


class JobUpstream(Struct, frozen=True, rename="pascal"):
    destination_name: str
    destination_namespace: str = ""
    destination_peer: str = ""
    destination_type: str = ""
    datacenter: str = ""
    local_bind_address: str = ""
    local_bind_port: Port = 0
    local_bind_socket_path: str = ""


class Proxy(Struct, frozen=True, rename="pascal"):
    upstreams: list[JobUpstream] | None = None


class SidecarService(Struct, frozen=True, rename="pascal"):
    proxy: Proxy | None = None


class Connect(Struct, frozen=True, rename="pascal"):
    """A service's part in the mesh. Upstreams of a gateway have no bind of their own and are left out."""

    sidecar_service: SidecarService | None = None


class JobService(Struct, frozen=True, rename="pascal"):
    connect: Connect | None = None


class Task(Struct, frozen=True, rename="pascal"):
    services: list[JobService] | None = None


class GroupPort(Struct, frozen=True, rename="pascal"):
    """value: the port on the node, 0 if Nomad chooses it. to: the port in the group's network; -1: the same port."""

    label: str
    value: int = 0
    to: int = 0


class GroupNetwork(Struct, frozen=True, rename="pascal"):
    reserved_ports: list[GroupPort] | None = None
    dynamic_ports: list[GroupPort] | None = None


class TaskGroup(Struct, frozen=True, rename="pascal"):
    name: str
    services: list[JobService] | None = None
    tasks: list[Task] | None = None
    meta: dict[str, str] | None = None
    networks: list[GroupNetwork] | None = None


class Parameters(Struct, frozen=True, rename="pascal"):
    """The keys of meta that whoever dispatches a parameterized job may set."""

    meta_required: list[str] | None = None
    meta_optional: list[str] | None = None


class Job(Struct, frozen=True, rename="pascal"):
    """/v1/job/ID."""

    id: str = field(name="ID")
    namespace: str
    job_modify_index: int
    name: str = ""
    region: str = ""
    parent_id: str = field(name="ParentID", default="")
    task_groups: list[TaskGroup] | None = None
    meta: dict[str, str] | None = None
    periodic: object = None
    parameterized_job: Parameters | None = None


def make_registration(
    found: ServiceRegistration, health: Health, region: str, unknown_status: str = ""
) -> Registration:
    """Make the registration. Native services have no metadata, weights and tagged addresses."""
    return Registration(
        service=found.service_name,
        id=found.id,
        node=found.node_id,
        address=found.address,
        port=found.port,
        tags=tuple(found.tags or ()),
        health=health,
        datacenter=found.datacenter if found.datacenter != region else "",
        unknown_status=unknown_status,
    )


def health_of(found: ServiceRegistration, checks: Checks) -> tuple[Health, str]:
    """Return the worst status of the instance's checks, and the first status that Nomad does not define, or "".

    Without checks it is passing. A status that Nomad does not define counts as critical.
    """
    worst: Health = "passing"
    unknown: set[str] = set()
    for check in (checks or {}).values():
        if not _belongs_to(check, found):
            continue
        if check.status not in _HEALTH:
            unknown.add(check.status)
        if _HEALTH.get(check.status, "critical") == "critical":
            worst = "critical"
    return worst, min(unknown, default="")


def _belongs_to(check: Check, found: ServiceRegistration) -> bool:
    """Whether the check is the instance's: by name, and by task if the id has Nomad's form (MakeAllocServiceID)."""
    allocation = f"_nomad-task-{found.alloc_id}-"
    owner = f"{allocation}{check.task or 'group'}-"
    return check.service == found.service_name and (not found.id.startswith(allocation) or found.id.startswith(owner))
