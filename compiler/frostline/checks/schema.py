"""JSON Schema 2020-12, applied to each service as the registry's formats have it: the built-in schema, then the users'.

jsonschema-rs decides (10,000 services in 0.06 s); jsonschema, which takes 200 times as long, words what is wrong with
the services that fail. Neither fetches anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.checks.base import Context
from frostline.checks.schema_files import DIALECT, SchemaFiles
from frostline.errors import ErrorGroup, FrostlineError
from frostline.model import UNVERSIONED, Entry, FileOrigin, Finding, Origin, Registry
from frostline.resources import schema_text
from frostline.settings import CheckSettings
from frostline.text import shorten

RULE = "schema"
MOST_FOR_SERVICE = 20
"""Findings of one schema for one service; the last of them says that there are more."""

_BUILT_IN = "registry.schema.json"
_REASON = 200
"""Characters of a reason: jsonschema quotes whole values and lists in it."""


class Fault(Struct, frozen=True):
    """Where a service breaks a schema and why. path: from the service's value; rule: from the schema's top."""

    path: tuple[str | int, ...]
    rule: tuple[str | int, ...]
    reason: str


class Schema:
    """One schema, compiled. name: as users know it; origin: None for the built-in one."""

    def __init__(self, content: Any, name: str, files: SchemaFiles | None) -> None:
        import jsonschema_rs

        self.name = name
        self.origin = None if files is None else FileOrigin(name)
        self._content = content
        self._files = files
        retrieve = _nothing if files is None else files.retrieve
        self._decide = jsonschema_rs.Draft202012Validator(content, retriever=retrieve)
        self._words: Any = None

    def accepts(self, value: Any) -> bool:
        return self._decide.is_valid(value)

    def faults(self, value: Any) -> tuple[Fault, ...]:
        """What is wrong with a value that is not accepted, worded by jsonschema; at most one more than is shown.

        jsonschema takes Python's regular expressions where the decider takes ECMA's (`\\p{L}`): what it can't word,
        or takes to be right, is in the decider's words.
        """
        from referencing.exceptions import Unresolvable

        try:
            errors = islice(self._worded().iter_errors(value), MOST_FOR_SERVICE + 1)
            worded = tuple(
                Fault(tuple(error.absolute_path), tuple(error.absolute_schema_path), _reason(error)) for error in errors
            )
        except (re.error, Unresolvable, RecursionError):
            worded = ()
        return worded or tuple(
            Fault(tuple(error.instance_path), tuple(error.schema_path), shorten(error.message, _REASON))
            for error in islice(self._decide.iter_errors(value), MOST_FOR_SERVICE + 1)
        )

    def _worded(self) -> Any:
        if self._words is None:
            from jsonschema import Draft202012Validator
            from referencing import Registry as Documents
            from referencing import Resource
            from referencing.jsonschema import DRAFT202012

            def retrieve(uri: str) -> Resource[Any]:
                return DRAFT202012.create_resource(_nothing(uri) if self._files is None else self._files.retrieve(uri))

            documents: Documents[Any] = Documents(retrieve=retrieve)  # type: ignore[call-arg]
            self._words = Draft202012Validator(self._content, registry=documents)
        return self._words


def findings(registry: Registry, settings: CheckSettings, context: Context) -> Iterator[Finding]:
    """What breaks a schema, at most MOST_FOR_SERVICE for one service and schema.

    Raises UsageError, or SeveralErrors, for each schema file that is unreadable, no schema, or refers outside the root.
    """
    schemas = [_built_in(), *load(settings.schema, context.root)]
    for service, versions in registry.services.items():
        value = context.value_of(versions)
        for schema in schemas:
            yield from _service_findings(schema, service, versions, value)


def load(paths: Iterable[Path], root: Path) -> tuple[Schema, ...]:
    """The users' schemas. Raises UsageError, or SeveralErrors."""
    schemas: list[Schema] = []
    errors: list[FrostlineError] = []
    for path in paths:
        try:
            schemas.append(_of_file(path, root))
        except FrostlineError as error:
            errors.append(error)
    if errors:
        raise ErrorGroup(errors) if len(errors) > 1 else errors[0]
    return tuple(schemas)


def _of_file(path: Path, root: Path) -> Schema:
    import jsonschema_rs

    files = SchemaFiles(path, root)
    content = files.schema()
    try:
        return Schema(content, files.name, files)
    except jsonschema_rs.ValidationError as error:
        if files.problem is not None:
            raise files.problem from None
        place = pointer(error.instance_path)
        reason = f"it is no JSON Schema 2020-12, at `{place}`: {shorten(error.message, _REASON)}"
        advice = "correct that place, in this file or one that it refers to"
        raise files.error(path, reason, advice) from None
    except ValueError as error:  # nested beyond what the compiler takes
        reason = f"it can't be compiled: {shorten(str(error), _REASON)}"
        raise files.error(path, reason, "write a flatter schema") from None


def _built_in() -> Schema:
    """`#/$defs/service` of the registry's own schema."""
    document = json.loads(schema_text("registry"))
    content = {"$schema": DIALECT, "$ref": "#/$defs/service", "$defs": document["$defs"]}
    return Schema(content, _BUILT_IN, None)


def _nothing(uri: str) -> Any:
    raise ValueError(f"the built-in schema refers to {uri}")


def _service_findings(
    schema: Schema, service: str, versions: Mapping[str | None, Entry], value: Any
) -> Iterator[Finding]:
    try:
        if schema.accepts(value):
            return
    except UnicodeEncodeError:  # half a surrogate pair: a local file can hold one as an escape
        yield Finding(
            rule=RULE,
            service=service,
            message="it has half of a surrogate pair in a value, which is no text",
            origin=_origin(versions, (), schema),
            help="correct the value where it is registered or written",
        )
        return
    faults = schema.faults(value)
    for fault in faults[:MOST_FOR_SERVICE]:
        yield _finding(schema, service, versions, value, fault)
    if len(faults) > MOST_FOR_SERVICE:
        yield Finding(
            rule=RULE,
            service=service,
            message=f"it breaks {schema.name} in more than {MOST_FOR_SERVICE} places",
            origin=_origin(versions, (), schema),
            help="correct those above first",
        )


def _finding(schema: Schema, service: str, versions: Mapping[str | None, Entry], value: Any, fault: Fault) -> Finding:
    broken = value
    for step in fault.path:
        broken = broken[step]
    return Finding(
        rule=RULE,
        service=service,
        version=_version(fault.path),
        message=f"`{shorten(pointer(fault.path), _REASON)}` breaks {schema.name}: {fault.reason}",
        value=None if isinstance(broken, (dict, list)) else shorten(_json(broken)),
        origin=_origin(versions, fault.path, schema),
        help=f"correct the registration, or the schema {schema.name} at `{shorten(pointer(fault.rule), _REASON)}`",
    )


def _version(path: Sequence[str | int]) -> str | None:
    return None if not path or path[0] == UNVERSIONED else str(path[0])


def _origin(versions: Mapping[str | None, Entry], path: Sequence[str | int], schema: Schema) -> Origin | None:
    """The endpoint that the path leads through; else the first of its version, of its service; else the schema."""
    entries = list(versions.values())
    if path:
        entry = versions.get(_version(path))
        if entry is not None and len(path) > 2 and path[1] == "endpoints" and isinstance(path[2], int):
            return entry.endpoints[path[2]].origin
        entries = [entry] if entry is not None else entries
    return next((endpoint.origin for entry in entries for endpoint in entry.endpoints), schema.origin)


def pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer of a path (RFC 6901); `/` for the whole, which users take better than nothing at all."""
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
    return "/" + "/".join(steps)


def _reason(error: Any) -> str:
    """jsonschema's message, with the value that it quotes as JSON and shortened."""
    value = "this" if isinstance(error.instance, (dict, list)) else shorten(_json(error.instance))
    return shorten(error.message.replace(repr(error.instance), value, 1), _REASON)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
