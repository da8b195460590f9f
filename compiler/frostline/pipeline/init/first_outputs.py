"""The outputs of a first configuration, at paths that are still free."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct

from frostline.pipeline.init.surroundings import Surroundings, is_behind_a_link


class FirstOutput(Struct, frozen=True):
    """An output of the first configuration.

    line: its text in frostline.yaml. files: what it writes, as patterns for .gitattributes.
    """

    line: str
    files: tuple[str, ...]


def first_outputs(around: Surroundings, folder: Path) -> tuple[FirstOutput, ...]:
    """Return the outputs for what was found; always YAML, for reviewers and scripts.

    An output is left out if all its possible paths are taken.
    """
    return tuple(_outputs(around, folder))


def _outputs(around: Surroundings, folder: Path) -> Iterator[FirstOutput]:
    documents = (("registry/services.yaml",), ("frostline/services.yaml",), ("frostline-services.yaml",))
    if paths := _first_free(folder, documents):
        yield FirstOutput(f"{{type: yaml, path: {paths[0]}}}", paths)
    if around.package:
        stems = (f"{around.package}/registry", f"{around.package}/frostline_registry")
        # If there is a package `registry`, Python would import it instead of the module `registry`.
        if paths := _first_free(folder, tuple((f"{stem}.py", f"{stem}.pyi", stem) for stem in stems)):
            yield FirstOutput(f"{{type: python, path: {paths[0]}}}", paths[:2])
    if around.modules:
        modules = ((f"{around.modules}/frostline",), (f"{around.modules}/frostline_registry",))
        if paths := _first_free(folder, modules):
            yield FirstOutput(f"{{type: puppet-module, path: {paths[0]}}}", (f"{paths[0]}/**",))


def _first_free(folder: Path, choices: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Return the first choice with only free paths; () if there is none."""
    return next((paths for paths in choices if all(_is_free(folder, path) for path in paths)), ())


def _is_free(folder: Path, path: str) -> bool:
    """Whether frostline could write this path: it refuses links, and files that it did not write."""
    parents = [folder / parent for parent in PurePosixPath(path).parents[:-1]]
    in_the_way = any(os.path.lexists(parent) and not parent.is_dir() for parent in parents)
    return not in_the_way and not is_behind_a_link(folder, path) and not os.path.lexists(folder / path)
