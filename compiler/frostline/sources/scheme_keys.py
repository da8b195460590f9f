"""The keys `scheme` and `schemes`, which decide {scheme} in the URL of an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.globs import matches
from frostline.patterns import Placeholder, parse
from frostline.settings import Keep, Naming, SchemeRule
from frostline.url_schemes import USUAL_SCHEMES

SCHEMA_OF_SCHEME: Mapping[str, Any] = {
    "description": (
        "What {scheme} stands for in the URL of an instance: the first rule that applies decides. {meta: KEY} is the "
        "value of that meta key, if the instance has it; {meta: KEY, equals: VALUE, is: SCHEME}; {tag: TAG, is: "
        "SCHEME}; or a scheme alone, which always applies."
    ),
    "type": "array",
    "minItems": 1,
    "items": {
        "type": ["string", "object"],
        "pattern": "^[A-Za-z][A-Za-z0-9+.-]*$",
        "additionalProperties": False,
        "properties": {
            "meta": {"description": "A meta key.", **ref("text")},
            "equals": {"description": "The value that the meta key must have.", "type": "string"},
            "tag": {"description": "A tag that the instance must have.", **ref("text")},
            "is": {
                "description": "The scheme if the rule applies.",
                "type": "string",
                "pattern": "^[A-Za-z][A-Za-z0-9+.-]*$",
                "x-expected": "a URL scheme, such as https",
                "x-help": "write the word alone, without `://`",
            },
        },
        "x-expected": "a scheme such as https, {meta: KEY}, {meta: KEY, equals: VALUE, is: SCHEME} or "
        "{tag: TAG, is: SCHEME}",
        "x-pattern-help": "a scheme is a letter, then letters, digits, `+`, `-` and `.`, without `://`",
    },
    "default": [{"meta": "scheme"}, "http"],
}

SCHEMA_OF_SCHEMES: Mapping[str, Any] = {
    "description": (
        f"Schemes that a meta value may name, besides those in `scheme` and the usual ones: "
        f"{', '.join(sorted(USUAL_SCHEMES))}. Any other is an error finding."
    ),
    "type": "array",
    "items": {
        "type": "string",
        "pattern": "^[A-Za-z][A-Za-z0-9+.-]*$",
        "x-expected": "a URL scheme, such as coap",
        "x-help": "write the word alone, without `://`",
    },
    "default": [],
}

_FORMS = "write {meta: KEY}, {meta: KEY, equals: VALUE, is: SCHEME} or {tag: TAG, is: SCHEME}"


def scheme_rules(cursor: Cursor) -> tuple[SchemeRule, ...]:
    """Read the rules, in their order. Refuse a rule that names no scheme, or that follows one that always applies."""
    rules: list[SchemeRule] = []
    for item in cursor.items():
        if rules and rules[-1] == SchemeRule(scheme=rules[-1].scheme):
            item.refuse(
                "the rule before this one always applies, so this one never does", "write the plain scheme last"
            )
            return ()
        rule = SchemeRule(scheme=item.value) if isinstance(item.value, str) else _rule(item)
        if rule is None:
            return ()
        rules.append(rule)
    return tuple(rules)


def more_schemes(cursor: Cursor) -> tuple[str, ...]:
    """Read the schemes of `schemes`, in lower case (RFC 3986 3.1)."""
    return tuple(item.value.lower() for item in cursor.items())


def _rule(cursor: Cursor) -> SchemeRule | None:
    written = cursor.value
    if "meta" in written and "tag" in written:
        cursor.refuse("a rule has `meta` or `tag`, not both", _FORMS)
    elif "meta" not in written and "tag" not in written:
        cursor.refuse("a rule needs `meta` or `tag`, which say where it applies", _FORMS)
    elif "tag" in written and "equals" in written:
        cursor.refuse("`equals` is only for `meta`: `tag` is the whole tag", _FORMS)
    elif "tag" in written and "is" not in written:
        cursor.refuse("a rule with `tag` needs `is`, the scheme", _FORMS)
    elif ("equals" in written) != ("is" in written) and "meta" in written:
        missing = "is" if "equals" in written else "equals"
        cursor.refuse(f"a rule with `meta` has both `equals` and `is`, or neither: `{missing}` is missing", _FORMS)
    else:
        return SchemeRule(
            meta=written.get("meta"), equals=written.get("equals"), tag=written.get("tag"), scheme=written.get("is", "")
        )
    return None


def check_kept(cursor: Cursor, naming: Naming, keep: Keep) -> None:
    """Refuse a rule or a default that needs a tag or meta that `keep` leaves out: every instance would seem to lack
    it."""
    scheme = cursor.get("scheme")
    for item, rule in zip(scheme.items() if scheme else (), naming.scheme, strict=False):
        for name, value, globs in (("meta", rule.meta, keep.meta), ("tag", rule.tag, keep.tags)):
            if value is not None and not matches(globs, value):
                _refuse_lost(item, f"the {name} `{value}`", "meta" if name == "meta" else "tags")
    for key in ("url", "unversioned_url"):
        written = cursor.get(key)
        for placeholder in _with_default(getattr(naming, key)) if written else ():
            if placeholder.name == "meta" and not matches(keep.meta, placeholder.key or "") and written:
                _refuse_lost(written, f"the meta `{placeholder.key}`", "meta")


def _with_default(pattern: str) -> Iterator[Placeholder]:
    return (part for part in parse(pattern) if isinstance(part, Placeholder) and part.default is not None)


def _refuse_lost(cursor: Cursor, what: str, key: str) -> None:
    cursor.refuse(f"{what} decides the URL, but `keep.{key}` leaves it out of the lock", f"let `keep.{key}` keep it")
