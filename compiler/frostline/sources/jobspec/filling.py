"""Fill the placeholders in a job's texts (`${NOMAD_META_tier}`) whose values the job itself says.

This follows Nomad's client (helper/args, client/taskenv): only `${` NAME `}` without spaces is a placeholder, and one
whose name is unknown stays as text.
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


def _spend_nothing(steps: int) -> None:
    """For texts that are too few to count."""


class Filler(Struct, frozen=True):
    """Fills placeholders in texts with known values.

    spend: is called before a filled text is made, with one step and a further one for every 16 characters. It raises if
    the steps are used up.
    """

    known: Mapping[str, Text]
    spend: Spend = _spend_nothing

    def fill(self, text: Text) -> Text:
        """Replace the known placeholders. Returns NotKnown if the value of one of them is not known."""
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
    """Return the placeholders in a filled text that only a client can replace, because the job does not say their
    values.

    in_task: a task's environment has more than its job says, so any name may be replaced there.
    """
    if "${" not in text:
        return []
    return [
        match[0]
        for match in PLACEHOLDER.finditer(text)
        if match[1].startswith(_CLIENT) or (in_task and _IDENTIFIER.fullmatch(match[1]))
    ]


def server_filler(job: Job, group: JobGroup, task: str, spend: Spend) -> Filler:
    """Make the filler of what the server fills in services' names when it registers a job.

    As in Nomad's structs.Service.Canonicalize.
    """
    name = task or "group"
    base: Text = job.name if isinstance(job.name, NotKnown) else f"{job.name}-{group.name}-{name}"
    return Filler({"JOB": job.name, "TASKGROUP": group.name, "TASK": name, "BASE": base}, spend)


def client_filler(job: Job, group: JobGroup, task: str, spend: Spend) -> Filler:
    """Make the filler of what the client fills in, as far as the job says it. task: "" for texts of the group."""
    own = group.tasks.get(task)
    # Each task of each group repeats all keys of the job, so a job can make this large.
    spend(
        _STEPS_OF_A_KEY
        * (len(job.meta) + len(group.meta) + len(group.ports) + (len(own.meta) + len(own.env) if own else 0))
    )
    known: dict[str, Text] = {
        "NOMAD_GROUP_NAME": group.name,
        "NOMAD_NAMESPACE": job.namespace,
        **dict(_port_values(group)),
    }
    if task:
        known["NOMAD_TASK_NAME"] = task
    if job.region:
        known["NOMAD_REGION"] = job.region
    # Each child of a periodic or parameterized job has a name of its own, which no file says.
    known |= (
        {"NOMAD_JOB_PARENT_ID": job.id} if job.has_children else {"NOMAD_JOB_ID": job.id, "NOMAD_JOB_NAME": job.name}
    )
    meta = {**job.meta, **group.meta, **(own.meta if own else {})}
    known |= {
        name: Filler(known, spend).fill(value)
        for key, value in meta.items()
        for name in _meta_names(key, job.dispatched_meta)
    }
    if own:
        known |= {name: Filler(known, spend).fill(value) for name, value in own.env.items()}
    return Filler(known, spend)


def _meta_names(key: str, dispatched: frozenset[str]) -> Iterator[str]:
    if key not in dispatched:
        yield _clean_name(f"NOMAD_META_{key}")
        yield _clean_name(f"NOMAD_META_{key.upper()}")


def _port_values(group: JobGroup) -> Iterator[tuple[str, Text]]:
    for label, port in group.ports.items():
        inside = port.to or port.static
        for prefix, number in zip(_PORTS, (inside, port.static), strict=True):
            if number:
                yield _clean_name(f"{prefix}{label}"), number if isinstance(number, NotKnown) else str(number)


def is_own_port(text: str, group: JobGroup) -> bool:
    """Whether the text is the placeholder of a port of the group, which means the same as the port's label."""
    names = {_clean_name(f"{prefix}{label}") for prefix in _PORTS for label in group.ports}
    match = PLACEHOLDER.fullmatch(text)
    return match is not None and match[1] in names


def _clean_name(name: str) -> str:
    """Turn the name into that of an environment variable, as Nomad's helper.CleanEnvVar does."""
    return _UNCLEAN.sub("_", name)
