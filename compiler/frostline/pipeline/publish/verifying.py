"""Run the outputs' verifiers on the new bytes: the last check before anything is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from msgspec.structs import replace

from frostline.allow_words import say_words_for_all
from frostline.errors import RefusedError, UsageError
from frostline.events import stage
from frostline.files.targets import file_state, open_root
from frostline.globs import matches, names_matching
from frostline.model import FileOrigin, Finding
from frostline.outputs.base import artifact_folder
from frostline.pipeline.compile.compiling import Compilation, CompileOptions
from frostline.pipeline.publish.saved_plans import basis_of
from frostline.plan.saved import changed_inputs
from frostline.settings import Allow, Config, OutputSettings, ServerSettings
from frostline.text import did_you_mean, display_path, name_first, shorten
from frostline.verify.rules import UNVERIFIED

if TYPE_CHECKING:
    from frostline.verify.verifying import Subject

_MOST_NAMED = 10


def check_unverified(config: Config, allow: Allow) -> None:
    """Raise UsageError if a scope of `--allow unverified` matches no output: it is probably misspelt."""
    names = sorted(output.name for output in config.outputs)
    for glob in allow.unverified:
        if glob != "*" and not names_matching(glob, names):
            known = did_you_mean(glob, names, f"outputs: {', '.join(names) or 'none'}")
            raise UsageError(f"--allow unverified={shorten(glob)}: there is no such output", help=known)


def verify_changes(config: Config, compilation: Compilation, options: CompileOptions) -> Compilation:
    """Verify the outputs that change, and return the compilation with the result.

    Starts no verifier if something is already refused. Raises RefusedError as `verify_outputs` does.
    """
    if compilation.refused:
        return compilation
    asked, allowed = _changed_outputs(config, compilation, options.allow)
    if not asked and not allowed:
        return compilation
    found = verify_outputs(config, compilation, asked, options)
    refused = {finding.value for finding in found if finding.severity == "error"}
    verified = tuple(output.name for output in asked if output.name not in refused)
    return replace(
        compilation,
        findings=tuple(sorted((*compilation.findings, *found, *_warnings(allowed)), key=Finding.sort_key)),
        plan=replace(compilation.plan, verified=verified, unverified=tuple(output.name for output in allowed)),
    )


def as_verified(config: Config, compilation: Compilation, allow: Allow) -> Compilation:
    """Return the compilation as `verify_changes` would if every verifier accepted its output. Starts no verifier."""
    asked, allowed = _changed_outputs(config, compilation, allow)
    names = [tuple(output.name for output in outputs) for outputs in (asked, allowed)]
    return replace(compilation, plan=replace(compilation.plan, verified=names[0], unverified=names[1]))


def _changed_outputs(
    config: Config, compilation: Compilation, allow: Allow
) -> tuple[list[OutputSettings], list[OutputSettings]]:
    """Return the changed outputs with a verifier: those to verify, and those that `--allow` lets pass unverified."""
    changed = {file.output for file in compilation.files if file.action != "keep"}
    outputs = [output for output in config.outputs if output.verifier and output.name in changed]
    allowed = [output for output in outputs if matches(allow.unverified, output.name)]
    return [output for output in outputs if output not in allowed], allowed


def _warnings(outputs: Iterable[OutputSettings]) -> list[Finding]:
    return [
        UNVERIFIED.finding(
            f"the output `{output.name}` is not verified: `--allow unverified`",
            value=output.name,
            origin=output.verifier.origin if output.verifier else output.origin,
        )
        for output in outputs
    ]


def verify_outputs(
    config: Config, compilation: Compilation, outputs: Sequence[OutputSettings], options: CompileOptions
) -> tuple[Finding, ...]:
    """Run the verifiers of these outputs one after the other, in the order of the configuration. Return the findings.

    Raises RefusedError if a published file or an input has changed meanwhile: a verifier may have written it.
    """
    verified = [output for output in outputs if output.verifier is not None]
    if not verified:
        return ()
    from frostline.verify.environment import without_secrets  # only here: most configurations verify nothing
    from frostline.verify.verifying import verify

    environment = without_secrets(os.environ, token_variables(config))
    basis = basis_of(config, options)
    findings: list[Finding] = []
    for output in verified:
        if output.verifier is None:
            continue
        with stage(f"verifying output {output.name}"):
            subject = _subject(config, compilation, output)
            found = verify(output.verifier, subject, config.root, config.path.parent, environment)
            findings += [found] if found else []
    _check_untouched(config, compilation, [*changed_inputs(basis, basis_of(config, options))], verified)
    refused = [finding for finding in findings if finding.severity == "error"]
    left = [finding for finding in findings if finding.severity != "error"]
    return (*say_words_for_all(refused, "unverified", [finding.value or "" for finding in refused]), *left)


def token_variables(config: Config) -> frozenset[str]:
    """Return the environment variables that live sources take their tokens from."""
    tokens = [source.token for source in config.sources.values() if isinstance(source, ServerSettings)]
    return frozenset(token.env for token in tokens if token and token.env)


def _check_untouched(
    config: Config, compilation: Compilation, changed: list[str], outputs: Sequence[OutputSettings]
) -> None:
    """Check that no published file has changed while these outputs were verified.

    changed: names of the inputs that have changed.
    """
    if os.path.lexists(config.root):
        with open_root(config.root) as root:
            for file in compilation.files:
                found = file_state(root, file.path)
                if (found.sha256 if found else None) != file.old:
                    changed.append(f"`{file.path}`")
    if not changed:
        return
    names = f"{name_first([output.name for output in outputs])} {'was' if len(outputs) == 1 else 'were'}"
    more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
    raise RefusedError(
        f"{', '.join(changed[:_MOST_NAMED])}{more} changed while {names} verified; nothing was published",
        origin=FileOrigin(display_path(config.path)),
        help="a verifier may write only below its private folder, where `{path}` is; if somebody else is at work here, "
        "rerun",
    )


def _subject(config: Config, compilation: Compilation, output: OutputSettings) -> Subject:
    """Return the new files of the output, for the copy of its file or folder that the verifier sees."""
    from frostline.verify.verifying import CopiedFile, Subject

    files = [file for file in compilation.wanted if file.output == output.name]
    modes = {file.path: file.mode for file in compilation.files}
    is_folder = all(config.root / file.path != output.path for file in files)
    path = artifact_folder(output) if is_folder else output.path
    base = path.parent
    return Subject(
        output=output.name,
        base=base,
        path=PurePosixPath(path.name),
        files=[
            CopiedFile(
                path=PurePosixPath((config.root / file.path).relative_to(base).as_posix()),
                chunks=file.chunks,
                sha256=file.sha256,
                is_executable=bool(modes.get(file.path, 0) & 0o100),
            )
            for file in files
        ],
        is_folder=is_folder,
    )
