"""The local files that a run reads and writes: its result depends on what it reads, so it never deletes that."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from frostline.checks import base as checks
from frostline.files.reading import real_path
from frostline.files.targets import Root, key_of
from frostline.outputs import base as outputs
from frostline.settings import Config, ServerSettings
from frostline.sources import base as sources


def input_files(config: Config) -> Iterator[Path]:
    """Yield the files that the result depends on: configuration, schemas, templates, job files and what they read."""
    if config.digest is None:  # a pipe cannot be read again
        yield config.path
    if config.overrides_file is not None:
        yield config.overrides_file
    yield from checks.inputs_of(config.checks)
    for output in config.outputs:
        yield from outputs.inputs_of(output)
    for source in config.sources.values():
        yield from sources.inputs_of(source)


class Ownership:
    """Which files the outputs of this configuration write, and which ones it reads."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def is_orphan(self, root: Root, path: str) -> bool:
        """Whether no configured output claims this path (relative to the root)."""
        file = self._config.root / path
        return not any(
            file == claim.path or (claim.is_folder and file.is_relative_to(claim.path)) for claim in self._claims
        )

    def is_input(self, root: Root, path: str) -> bool:
        """Whether a run reads this path (relative to the root), by its name or through a link."""
        lock = key_of(root, self._config.lock)
        in_lock = self._config.lock_is_folder and path.startswith(f"{lock}/")
        return in_lock or path in {key_of(root, file) for file in self._read}

    def use_of(self, path: Path) -> str | None:
        """Return why a run writes to this path, as a predicate (`belongs to an output`); None if it does not."""
        file, config = _real(path), self._config
        if file in map(_real, (config.manifest, config.lock, *([config.confirmed] if config.confirmed else ()))):
            return "is the lock, its confirmations or the manifest"
        if config.lock_is_folder and file.is_relative_to(_real(config.lock)):
            return "is inside the folder of the lock"
        claimed = [(claim, _real(claim.path)) for claim in self._claims]
        if any(file == path or (claim.is_folder and file.is_relative_to(path)) for claim, path in claimed):
            return "belongs to an output"
        return None

    @cached_property
    def _claims(self) -> tuple[outputs.Claim, ...]:
        return tuple(claim for output in self._config.outputs for claim in outputs.claims_of(output))

    @cached_property
    def _read(self) -> frozenset[Path]:
        """The files that a run reads. Computed only if a file is to be deleted, as it reads all job files once more."""
        files = {*input_files(self._config), *_access_files(self._config), self._config.lock}
        files |= {self._config.confirmed} if self._config.confirmed else set()
        return frozenset(files | {real_path(file) for file in files})


def _real(path: Path) -> Path:
    """Return the path with the links in its folders resolved."""
    return real_path(path.parent) / path.name


def _access_files(config: Config) -> Iterator[Path]:
    """Yield the files that connections to live sources read: tokens, certificates, keys."""
    for source in config.sources.values():
        if isinstance(source, ServerSettings):
            token = source.token.file if source.token else None
            tls = source.tls
            yield from (file for file in (token, tls.ca_file, tls.cert_file, tls.key_file) if file is not None)
