"""The check `schema`: applies JSON Schema 2020-12 to each service as the registry's formats write it.

The built-in schema comes first, then the users' schemas. jsonschema-rs decides (10,000 services in 0.06 s). jsonschema
takes 200 times as long, so it only explains the violations of services that fail. Neither fetches anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.checks import base
from frostline.checks.schema.files import DIALECT, SchemaFiles
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import is_file, resolved
from frostline.errors import ErrorGroup, FrostlineError
from frostline.model import UNVERSIONED, Entry, FileOrigin, Finding, Origin, Registry
from frostline.resources import schema_text
from frostline.rules import Rule
from frostline.settings import CheckSettings
from frostline.text import display_path, shorten
from frostline.user_regexes import compiled as compiled_pattern

SCHEMA: Mapping[str, Any] = {
    "description": "JSON Schema files applied to each service, besides the built-in one. $ref never leaves root.",
    "type": "array",
    "items": ref("path"),
    "default": [],
}

SCHEMA_RULE = Rule(
    name="schema",
    summary="a service violates a JSON Schema: the built-in one, or one of `checks.schema`",
    why="The built-in schema is the format of the published registry, on which its readers may rely. A schema of your "
    "own states what your programs rely on besides.",
    example="mesh(datacenter=dc1, node=n1, id=payments-1): error[schema]: payments v1: "
    "`/v1/endpoints/0/port` violates ours.schema.json: 8080 is not one of [80, 443]\n"
    "  help: correct the registration, or the schema ours.schema.json at "
    "`/additionalProperties/properties/endpoints/items/properties/port/enum`",
    mend="correct the value where it is registered or written, or correct the schema",
)
RULES = (SCHEMA_RULE,)

MOST_FOR_SERVICE = 20
"""The most violations of one schema that are shown for one service; one more finding says that there are more."""

_BUILT_IN = "registry.schema.json"
_REASON = 200
"""The most characters of a reason. jsonschema quotes whole values and lists in its messages."""


class Violation(Struct, frozen=True):
    """Where a service violates a schema, and why.

    path: the steps from the service's value to the violating value. keyword: the steps from the top of the schema to
    the violated keyword.
    """

    path: tuple[str | int, ...]
    keyword: tuple[str | int, ...]
    reason: str


def configure(cursor: Cursor, context: Context) -> tuple[Path, ...]:
    """The value of `checks.schema`: the paths of schema files."""
    files = [(item, resolved(context.folder, item.value)) for item in cursor.items()]
    for item, path in files:
        if not is_file(path):
            item.refuse(
                f"there is no file {display_path(path)}", "a schema is a JSON file; its path is relative to this file"
            )
    return tuple(path for _, path in files)


def inputs(settings: CheckSettings) -> tuple[Path, ...]:
    """The schema files."""
    return settings.schema


class Schema:
    """A compiled schema. name: as messages show it. origin: None for the built-in schema. files: None for it too."""

    def __init__(self, content: Any, name: str, files: SchemaFiles | None) -> None:
        import jsonschema_rs

        self.name = name
        self.origin = None if files is None else FileOrigin(name)
        self._content = content
        self._files = files
        retrieve = _refuse_reference if files is None else files.retrieve
        self._decider = jsonschema_rs.Draft202012Validator(content, retriever=retrieve)
        self._explainer: Any = None

    def accepts(self, value: Any) -> bool:
        return self._decider.is_valid(value)

    def violations(self, value: Any) -> tuple[Violation, ...]:
        """The violations of a value that `accepts` refuses, in jsonschema's words; at most MOST_FOR_SERVICE + 1.

        jsonschema reads Python's regular expressions, the decider ECMA's (such as `\\p{L}`). If jsonschema fails, or
        finds no violation, the words are the decider's.
        """
        from referencing.exceptions import Unresolvable

        try:
            errors = islice(self._loaded_explainer().iter_errors(value), MOST_FOR_SERVICE + 1)
            explained = tuple(
                Violation(tuple(error.absolute_path), tuple(error.absolute_schema_path), _reason(error))
                for error in errors
            )
        except (re.error, FrostlineError, Unresolvable, RecursionError):
            explained = ()
        return explained or tuple(
            Violation(tuple(error.instance_path), tuple(error.schema_path), shorten(error.message, _REASON))
            for error in islice(self._decider.iter_errors(value), MOST_FOR_SERVICE + 1)
        )

    def _loaded_explainer(self) -> Any:
        if self._explainer is None:
            from referencing import Registry as Documents
            from referencing import Resource
            from referencing.jsonschema import DRAFT202012

            def retrieve(uri: str) -> Resource[Any]:
                content = _refuse_reference(uri) if self._files is None else self._files.retrieve(uri)
                return DRAFT202012.create_resource(content)

            documents: Documents[Any] = Documents(retrieve=retrieve)  # type: ignore[call-arg]
            self._explainer = _explainer_class()(self._content, registry=documents)
        return self._explainer


def _explainer_class() -> Any:
    """jsonschema's validator with a time limit on patterns. Without it, a slow pattern could hang the explanation."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    keywords: Any = {
        "pattern": _pattern_errors,
        "patternProperties": _pattern_property_errors,
        "additionalProperties": partial(_unless_slow, Draft202012Validator.VALIDATORS["additionalProperties"]),
        "unevaluatedProperties": _left_to_decider,
    }
    return extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]


def _pattern_errors(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and not compiled_pattern(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_property_errors(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if compiled_pattern(pattern).search(name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _unless_slow(check: Any, validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """jsonschema's own check, which matches names with `re`. Fails, if that may be slow: the decider explains."""
    patterns = schema.get("patternProperties", ()) if isinstance(instance, dict) else ()
    if any(compiled_pattern(pattern).may_be_slow(name) for pattern in patterns for name in instance):
        raise re.error("a slow pattern")
    yield from check(validator, value, instance, schema)


def _left_to_decider(*_: Any) -> Iterator[Any]:
    """Fails, so that the decider explains. jsonschema would match names with `re` against unknown patterns here."""
    raise re.error("the patterns are not known")


def findings(registry: Registry, settings: CheckSettings, context: base.Context) -> Iterator[Finding]:
    """The violations of the schemas: for one service and schema at most MOST_FOR_SERVICE, and a note if there are more.

    Raises UsageError, or ErrorGroup, for schema files that are unreadable, not a schema, or refer outside the root.
    """
    schemas = [_built_in(), *load(settings.schema, context.root)]
    for service, versions in registry.services.items():
        value = context.value_of(versions)
        for schema in schemas:
            yield from _service_findings(schema, service, versions, value)


def load(paths: Iterable[Path], root: Path) -> tuple[Schema, ...]:
    """The users' schemas. Raises UsageError, or ErrorGroup."""
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
        reason = f"it is not a valid JSON Schema 2020-12, at `{place}`: {shorten(error.message, _REASON)}"
        help_text = "correct it there, in this file or in one that it refers to"
        raise files.error(path, reason, help_text) from None
    except ValueError as error:  # nested beyond what the compiler takes
        reason = f"it can't be compiled: {shorten(str(error), _REASON)}"
        raise files.error(path, reason, "write a schema with fewer nested levels") from None


def _built_in() -> Schema:
    """`#/$defs/service` of the registry's own schema."""
    document = json.loads(schema_text("registry"))
    content = {"$schema": DIALECT, "$ref": "#/$defs/service", "$defs": document["$defs"]}
    return Schema(content, _BUILT_IN, None)


def _refuse_reference(uri: str) -> Any:
    raise ValueError(f"the built-in schema refers to {uri}")


def _service_findings(
    schema: Schema, service: str, versions: Mapping[str | None, Entry], value: Any
) -> Iterator[Finding]:
    try:
        if schema.accepts(value):
            return
    except UnicodeEncodeError:  # half of a surrogate pair, which a local file can contain as an escape
        yield SCHEMA_RULE.finding(
            "one of its values contains half of a surrogate pair, which is not valid text",
            service=service,
            origin=_origin(versions, (), schema),
            help="correct the value where it is registered or written",
        )
        return
    violations = schema.violations(value)
    for violation in violations[:MOST_FOR_SERVICE]:
        yield _finding(schema, service, versions, value, violation)
    if len(violations) > MOST_FOR_SERVICE:
        yield SCHEMA_RULE.finding(
            f"it violates {schema.name} in more than {MOST_FOR_SERVICE} places",
            service=service,
            origin=_origin(versions, (), schema),
            help="correct the places above first",
        )


def _finding(
    schema: Schema, service: str, versions: Mapping[str | None, Entry], value: Any, violation: Violation
) -> Finding:
    violating = value
    for step in violation.path:
        violating = violating[step]
    keyword = shorten(pointer(violation.keyword), _REASON)
    return SCHEMA_RULE.finding(
        f"`{shorten(pointer(violation.path), _REASON)}` violates {schema.name}: {violation.reason}",
        service=service,
        version=_version(violation.path),
        value=None if isinstance(violating, (dict, list)) else shorten(_json(violating)),
        origin=_origin(versions, violation.path, schema),
        help=f"correct the registration, or the schema {schema.name} at `{keyword}`",
    )


def _version(path: Sequence[str | int]) -> str | None:
    return None if not path or path[0] == UNVERSIONED else str(path[0])


def _origin(versions: Mapping[str | None, Entry], path: Sequence[str | int], schema: Schema) -> Origin | None:
    """The origin of the endpoint that the path leads through.

    Without one: that of the first endpoint of the version, else of the service, else the place of the schema.
    """
    entries = list(versions.values())
    if path:
        entry = versions.get(_version(path))
        if entry is not None and len(path) > 2 and path[1] == "endpoints" and isinstance(path[2], int):
            return entry.endpoints[path[2]].origin
        entries = [entry] if entry is not None else entries
    return next((endpoint.origin for entry in entries for endpoint in entry.endpoints), schema.origin)


def pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer of a path (RFC 6901). The whole document is `/` here, because users could miss an empty text."""
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
    return "/" + "/".join(steps)


def _reason(error: Any) -> str:
    """jsonschema's message, with the value in it written as JSON and shortened."""
    value = "this" if isinstance(error.instance, (dict, list)) else shorten(_json(error.instance))
    return shorten(error.message.replace(repr(error.instance), value, 1), _REASON)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
