"""Placeholders in texts of a job (`${NOMAD_META_tier}`): what the job itself says of them is filled in.

As Nomad's client does (helper/args, client/taskenv): only `${` NAME `}` without spaces is a placeholder; one whose
name nobody knows is text, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from frostline.regexes import Spend
from frostline.sources.jobspec.job import Job, JobGroup, NotKnown, Text

PLACEHOLDER = re.compile(r"\$\{([a-zA-Z0-9_\-.]+)\}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLIENT = ("attr.", "node.", "meta.", "env.", "device.", "secret.", "NOMAD_", "CONSUL_", "VAULT_")
_STEPS_OF_A_KEY = 4
_PORTS = ("NOMAD_PORT_", "NOMAD_HOST_PORT_")
_UNCLEAN = re.compile(r"^[0-9]|[^A-Za-z0-9_.]")


def _free(steps: int) -> None:
    """Of what a job says few times."""


class Filler(Struct, frozen=True):
    """Fills in texts what is known. spend: takes a step for each text with placeholders, and for 16 characters of it,
    before it is made; raises where there are not as many left."""

    known: Mapping[str, Text]
    spend: Spend = _free

    def fill(self, text: Text) -> Text:
        """The text with all placeholders replaced that are known; not known, where the value of one is not."""
        if isinstance(text, NotKnown) or "${" not in text:
            return text
        parts: list[str] = []
        end = 0
        for match in PLACEHOLDER.finditer(text):
            value = self.known.get(match[1], match[0])
            if isinstance(value, NotKnown):
                return value
            parts += (text[end : match.start()], value)
            end = match.end()
        self.spend(1 + (sum(map(len, parts)) >> 4))
        return "".join(parts) + text[end:]


def client_placeholders(text: str, in_task: bool) -> list[str]:
    """The placeholders in a filled text that a client replaces by something that the job does not say.

    in_task: a task's environment has more than its job tells, so there any name may be replaced.
    """
    if "${" not in text:
        return []
    return [
        match[0]
        for match in PLACEHOLDER.finditer(text)
        if match[1].startswith(_CLIENT) or (in_task and _IDENTIFIER.fullmatch(match[1]))
    ]


def registered_names(job: Job, group: JobGroup, task: str, spend: Spend) -> Filler:
    """What the server fills in the names of services when the job is registered (structs.Service.Canonicalize)."""
    name = task or "group"
    base: Text = job.name if isinstance(job.name, NotKnown) else f"{job.name}-{group.name}-{name}"
    return Filler({"JOB": job.name, "TASKGROUP": group.name, "TASK": name, "BASE": base}, spend)


def environment(job: Job, group: JobGroup, task: str, spend: Spend) -> Filler:
    """What the client fills in, as far as the job says it. task: "" for what belongs to the group."""
    own = group.tasks.get(task)
    # Each task of each group has all keys of the job.
    spend(
        _STEPS_OF_A_KEY
        * (len(job.meta) + len(group.meta) + len(group.ports) + (len(own.meta) + len(own.env) if own else 0))
    )
    known: dict[str, Text] = {
        "NOMAD_GROUP_NAME": group.name,
        "NOMAD_NAMESPACE": job.namespace,
        **dict(_ports(group)),
    }
    if task:
        known["NOMAD_TASK_NAME"] = task
    if job.region:
        known["NOMAD_REGION"] = job.region
    # Each run of a periodic or parameterized job has a name of its own, which no file tells.
    known |= {"NOMAD_JOB_PARENT_ID": job.id} if job.runs else {"NOMAD_JOB_ID": job.id, "NOMAD_JOB_NAME": job.name}
    meta = {**job.meta, **group.meta, **(own.meta if own else {})}
    known |= {
        name: Filler(known, spend).fill(value) for key, value in meta.items() for name in _meta_names(key, job.asked)
    }
    if own:
        known |= {name: Filler(known, spend).fill(value) for name, value in own.env.items()}
    return Filler(known, spend)


def _meta_names(key: str, asked: frozenset[str]) -> Iterator[str]:
    if key not in asked:
        yield _clean(f"NOMAD_META_{key}")
        yield _clean(f"NOMAD_META_{key.upper()}")


def _ports(group: JobGroup) -> Iterator[tuple[str, Text]]:
    for label, port in group.ports.items():
        inside = port.to or port.static
        for prefix, number in zip(_PORTS, (inside, port.static), strict=True):
            if number:
                yield _clean(f"{prefix}{label}"), number if isinstance(number, NotKnown) else str(number)


def is_port_of(text: str, group: JobGroup) -> bool:
    """Whether the text is the placeholder of a port of the group: the same as the port's label."""
    names = {_clean(f"{prefix}{label}") for prefix in _PORTS for label in group.ports}
    match = PLACEHOLDER.fullmatch(text)
    return match is not None and match[1] in names


def _clean(name: str) -> str:
    """The name as that of an environment variable (helper.CleanEnvVar)."""
    return _UNCLEAN.sub("_", name)
