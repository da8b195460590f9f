"""What a compile finds out while it waits for the sources: whether all is published as the committed lock has it.

A second process looks, with no network. Where the sources then answer what is locked already, there is nothing left to
do. It is as urgent as this one, which in the end waits for it: nothing else that runs may keep it from its CPU.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from msgspec.structs import replace

from frostline.events import stage
from frostline.pipeline.child import Child, cpus
from frostline.pipeline.compile import Options, compiled
from frostline.pipeline.freeze import Committed, offline_lock
from frostline.publish.ownership import next_manifest
from frostline.settings import Config

FEWEST_BYTES, MOST_BYTES = 1 << 22, 1 << 27
"""Of a lock for which it is worth it: below, looking takes no time; above, too much memory."""


def looking(config: Config, committed: Committed, options: Options) -> AbstractContextManager[Child | None]:
    """The process that looks, None where it would not be worth it. Its result: see `unchanged`."""
    if cpus() < 2 or not FEWEST_BYTES <= committed.size <= MOST_BYTES:
        return nullcontext()
    return Child(lambda: _looked(config, committed, options))


def _looked(config: Config, committed: Committed, options: Options) -> bytes:
    lock = offline_lock(config, committed.lock)
    compilation = compiled(config, lock, lock, replace(options, publish=False))
    manifest = next_manifest(compilation.manifest, compilation.files, compilation.services, options.only or None)
    if compilation.findings or compilation.plan.changes or compilation.manifest != manifest:
        return b""
    return str(len(compilation.services)).encode()


def unchanged(child: Child) -> int | None:
    """How many (service, version)s are published as the lock has them, with nothing to say of them; None: some are not,
    or nobody knows."""
    with stage("waiting for the look at what is published"):
        said = child.result()
    return int(said) if said else None
