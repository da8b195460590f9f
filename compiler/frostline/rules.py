"""Rules: the kinds of findings that frostline can make, each with a stable name.

The module that makes findings defines their rules and lists them in `RULES`. pipeline/reference/rule_table.py collects
the rules of all modules for `frostline rule`, the documentation and the reporters.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from frostline.model import Finding, Origin, Severity


class Rule(Struct, frozen=True, kw_only=True):
    """A kind of finding.

    name: stable; waivers, reports and `frostline rule` use it.
    severity: the severity of its findings, unless the configuration changes it.
    summary: one line, what is wrong, without a full stop.
    why: sentences: what would go wrong if it were ignored.
    example: a finding of this rule as the text report prints it, with its help line.
    mend: what to do about it, as a help line; findings without a help line of their own show it.
    """

    name: str
    severity: Severity = "error"
    summary: str
    why: str
    example: str
    mend: str

    def finding(
        self,
        message: str,
        *,
        service: str | None = None,
        version: str | None = None,
        value: str | None = None,
        origin: Origin | None = None,
        help: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Make a finding of this rule (see `Finding` for the fields). help and severity default to the rule's."""
        return Finding(
            rule=self.name,
            message=message,
            severity=severity or self.severity,
            service=service,
            version=version,
            value=value,
            origin=origin,
            help=self.mend if help is None else help,
        )


def rules_by_name(rules: Iterable[Rule]) -> dict[str, Rule]:
    """Index the rules by name, sorted. Raises ValueError if two different rules have the same name."""
    table: dict[str, Rule] = {}
    for rule in rules:
        if table.setdefault(rule.name, rule) != rule:
            raise ValueError(f"two rules have the name `{rule.name}`")
    return dict(sorted(table.items()))


DOT_SEGMENT = Rule(
    name="url-dot-segment",
    summary="a URL has a path segment `.` or `..`",
    why=(
        "Clients remove such segments before they send a request (RFC 3986 5.2.4), so a name or tag value could "
        "lead clients to another service at the same address."
    ),
    example="mesh(datacenter=dc1, namespace=default, node=.., id=shop-v1-1): error[url-dot-segment]: shop v1: "
    "its URL `http://10.0.0.1/../x` has a path segment `.` or `..`, which clients remove\n"
    "  help: leave the instance out with `select`, or change the pattern `url`",
    mend="leave the service out, or change the pattern `url`",
)
"""Found in URLs of instances (by registry/) and of routers (by sources/)."""

RULES = (DOT_SEGMENT,)
"""The rules whose findings several rooms make."""
