"""The rules as text: for `frostline rule`, and as the page docs/rules.md, which `make rules` writes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import wrap

from frostline.pipeline.reference.rule_table import rule_table
from frostline.rules import Rule

_PAGE_COLUMNS = 120
_WAIVER = "waiver, below `waivers` of `checks` in frostline.yaml; `service` is a glob of SERVICE or SERVICE/VERSION:"
_PAGE_HEAD = """\
<!-- Written by `make rules`. -->
# Rules

Every finding belongs to one rule. [Waivers](checks.md#waivers) and reports name the rule. `frostline rule NAME` shows
the rule, and the waiver that silences it. The severity is the default: a policy may set another one. Each example
is a finding as `--format text` prints it.

| rule | severity | what is wrong |
|---|---|---|
"""


def text_lines(rule: Rule, columns: int, waiver: str | None) -> Iterator[str]:
    """Yield a rule as text for a terminal of this width. The example and the waiver are not wrapped.

    waiver: the entry of `checks.waivers` that silences the rule; None if no waiver can.
    """
    yield from _wrap(f"{rule.name} ({rule.severity}): {rule.summary}", columns).split("\n")
    yield ""
    yield from _wrap(rule.why, columns).split("\n")
    yield ""
    yield "example:"
    yield from (f"  {line}" for line in rule.example.split("\n"))
    yield from _wrap(f"help: {rule.mend}", columns).split("\n")
    yield ""
    if waiver is None:
        yield "No waiver silences it."
    else:
        yield from _wrap(_WAIVER, columns).split("\n")
        yield f"  - {waiver}"


def page_text(rules: Iterable[Rule]) -> str:
    """Return the text of docs/rules.md."""
    sections: list[str] = []
    rows: list[str] = []
    for rule in rules:
        rows.append(f"| [`{rule.name}`](#{rule.name}) | {rule.severity} | {rule.summary} |\n")
        paragraphs = [
            f"## {rule.name}",
            _wrap(f"{rule.summary[:1].upper()}{rule.summary[1:]}. {rule.why}", _PAGE_COLUMNS),
            f"```text\n{rule.example}\n```",
            _wrap(f"What to do: {rule.mend}.", _PAGE_COLUMNS),
        ]
        sections.append("\n" + "\n\n".join(paragraphs) + "\n")
    return _PAGE_HEAD + "".join(rows) + "".join(sections)


def _wrap(text: str, columns: int) -> str:
    return "\n".join(wrap(text, columns, break_long_words=False, break_on_hyphens=False))


def main() -> None:
    """Write the page to the file that the first argument names."""
    Path(sys.argv[1]).write_text(page_text(rule_table().values()), encoding="utf-8")


if __name__ == "__main__":
    main()
