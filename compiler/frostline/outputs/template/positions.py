"""Decides whether quotes have an effect where a template writes quoted text, by the text before it on its line.

Each quoting filter has a reader of its language, which turns the text of a line into a state: at the start of a token,
in a word, in a quote, in a comment. It reads each line from its start, so it does not see what an earlier line opens (a
heredoc, a block scalar, a string of several lines). A state is a plain value and reading is a pure function, so the
results for a template's own text can be cached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from msgspec import Struct

_SPACE = " \t\r\f\v"


class State(Struct, frozen=True, kw_only=True):
    """Where a reader is in a line.

    mode: `start` of a token, `word`, `closed` (right after a quote), `quote` or `comment`; for dotenv also `value`
    (right after the `=`). quote: the open quote. last: the last character, "" at the start. escaped: the next character
    stands for itself. depth: of brackets in YAML, of `${` in nginx. outer: for the shell the open quotes and brackets
    around, innermost last; for dotenv `value` after the `=`.
    """

    mode: str = "start"
    quote: str = ""
    last: str = ""
    escaped: bool = False
    depth: int = 0
    outer: str = ""


START = State()
AFTER_A_QUOTE = '""'
"""Stands for a quoted text while the rest of its line is read."""


@lru_cache(maxsize=65536)
def read_on(filter_name: str, state: State, text: str) -> State:
    """The state of this filter's language after more text of the line."""
    step = _STEPS[filter_name]
    for character in text:
        state = step(state, character)
    return state


def _moved(state: State, character: str, mode: str, **changes: object) -> State:
    values = {"quote": "", "depth": state.depth, "outer": state.outer} | changes
    return State(mode=mode, last=character, **values)  # type: ignore[arg-type]


def _in_quote(state: State, character: str, escapes: bool) -> State:
    """A step inside a quote. escapes: a backslash takes the next character as it is."""
    if state.escaped or (escapes and character == "\\"):
        return _moved(state, character, "quote", quote=state.quote, escaped=not state.escaped)
    if character == state.quote:
        return _moved(state, character, "closed")
    return _moved(state, character, "quote", quote=state.quote)


def _literals(separators: str, comment: str, quotes: str, raw_quotes: str = "") -> Callable[[State, str], State]:
    """A step in a language of literals between separators (JSON, Python, TOML). raw_quotes: know no backslash."""

    def step(state: State, character: str) -> State:
        if state.mode == "comment":
            return state
        if state.mode == "quote":
            return _in_quote(state, character, state.quote not in raw_quotes)
        if character == comment:
            return _moved(state, character, "comment")
        if character in quotes:
            return _moved(state, character, "quote", quote=character)
        return _moved(state, character, "start" if character in _SPACE or character in separators else "word")

    return step


def _nginx(state: State, character: str) -> State:
    """src/core/ngx_conf_file.c, ngx_conf_read_token: quotes and `#` count only at the start of a parameter."""
    if state.mode == "comment":
        return state
    if state.mode == "quote":
        return _in_quote(state, character, True)
    if state.escaped or character == "\\":
        return _moved(state, character, "word", escaped=not state.escaped)
    if (character == "{" and state.last == "$") or (character == "}" and state.depth):  # the variable `${name}`
        return _moved(state, character, "word", depth=int(character == "{"))
    if character in _SPACE or character in ";{}":
        return _moved(state, character, "start", depth=0)
    if state.mode == "start" and character in "\"'":
        return _moved(state, character, "quote", quote=character)
    return _moved(state, character, "comment" if state.mode == "start" and character == "#" else "word")


def _yaml(state: State, character: str) -> State:
    """YAML 1.2 on one line: indicators, plain scalars (7.3.3), quoted ones, flow collections, comments."""
    is_space, mode = character in _SPACE, state.mode
    if mode == "comment":
        return state
    if mode == "quote":
        return _in_quote(state, character, state.quote == '"')
    if character == "#" and (state.last == "" or state.last in _SPACE):
        return _moved(state, character, "comment")
    if is_space:
        opens = mode == "start" or (mode == "word" and state.last in ":-?" and _is_indicator(state))
        return _moved(state, character, "start" if opens or state.outer == "property" else mode, outer="")
    if character in "[{" and mode == "start":
        return _moved(state, character, "start", depth=state.depth + 1)
    if character in "]}" and (state.depth or mode == "closed"):
        return _moved(state, character, "closed", depth=max(0, state.depth - 1))
    if (character == "," and (state.depth or mode == "closed")) or (character == ":" and mode == "closed"):
        return _moved(state, character, "start")
    if character in "\"'" and mode in ("start", "closed"):
        return _moved(state, character, "quote", quote=character)
    if mode == "start":
        kind = "property" if character in "&*!" else "indicator" if character in "-?:" else "text"
        return _moved(state, character, "word", outer=kind)
    return _moved(state, character, "word", outer=state.outer if state.outer == "property" else "text")


def _is_indicator(state: State) -> bool:
    """Whether the `:`, `-` or `?` just read, with the space after it, ends a key or begins an item."""
    return state.last == ":" or state.outer == "indicator"


def _shell(state: State, character: str) -> State:
    """POSIX shell, 2.2 and 2.3: quotes work anywhere in a word; `$(` opens a command inside double quotes too."""
    inside = state.outer[-1:]
    if state.mode == "comment":
        return state
    if state.mode == "quote":
        return _in_quote(state, character, False)
    if state.escaped or character == "\\":
        return _moved(state, character, "word", escaped=not state.escaped)
    if character == inside == '"' or character == inside == "`" or (inside + character) in ("()", "{}"):
        return _moved(state, character, "word", outer=state.outer[:-1])
    if character in '"`' or (character in "({" and (inside != '"' or state.last == "$")):
        return _moved(state, character, "start" if character in "(`" else "word", outer=state.outer + character)
    if inside == '"':
        return _moved(state, character, "word")
    if character == "'":
        return _moved(state, character, "quote", quote=character)
    if character == "#" and state.mode == "start":
        return _moved(state, character, "comment")
    return _moved(state, character, "start" if character in _SPACE or character in ";&|<>" else "word")


def _dotenv(state: State, character: str) -> State:
    """A line NAME=VALUE. systemd knows no `export`, and python-dotenv reads nothing after a quote."""
    if state.mode == "comment":
        return state
    if state.mode == "quote":
        return _in_quote(state, character, state.quote == '"')
    if character == "#" and (state.mode == "start" or state.last in _SPACE):
        return _moved(state, character, "comment")
    if character in "\"'":
        return _moved(state, character, "quote", quote=character, outer="value")
    if character == "=" and state.mode == "word" and not state.outer:
        return _moved(state, character, "value", outer="value")
    if character in _SPACE:
        is_before = state.mode == "start"
        return _moved(state, character, "start" if is_before else "word", outer="" if is_before else "value")
    return _moved(state, character, "word")


_STEPS: Mapping[str, Callable[[State, str], State]] = {
    "json": _literals("[{(,:=;<>+*%|&!?~^", "", "\"'`"),
    "py": _literals("[{(,:=;<>+*%|&!~^", "#", "\"'"),
    "toml": _literals("[{,=.", "#", "\"'", raw_quotes="'"),
    "nginx": _nginx,
    "yaml": _yaml,
    "shell": _shell,
    "dotenv": _dotenv,
    **dict.fromkeys(("ansible", "spring", "traefik"), _yaml),
}


@lru_cache(maxsize=65536)
def fault_of(filter_name: str, state: State) -> tuple[str, str] | None:
    """Why text that this filter quotes cannot stand here, and what to do; None if it can."""
    shown = f"text quoted by `| {filter_name}`"
    own = f"`| {filter_name}` writes its own quotes: remove those around it, and join the parts before quoting them"
    join = f'quote the whole of it: {{{{ ("name=" ~ value) | {filter_name} }}}}'
    quote = state.quote or (_shell_quote(state.outer) if filter_name == "shell" else "")
    if state.mode == "comment":
        return (
            f"{shown} is in a comment",
            "a comment ends where its line does, and quotes mean nothing in it: leave the value out",
        )
    if quote:
        return f"{shown} is inside a quote {quote} that is open on this line", own
    if state.escaped:
        return f"{shown} directly follows '\\\\', which takes its first quote as a character", join
    if filter_name == "dotenv" and state.mode != "value":
        return f"{shown} does not directly follow NAME=", "write NAME={{ value | dotenv }} on a line of its own"
    if filter_name == "shell":
        return None if state.last != "$" else (f"{shown} directly follows '$', which makes `$'…'` of it", join)
    if state.mode in ("word", "closed"):
        return f"{shown} directly follows {state.last!r}, where its quotes have no effect", join
    return None


def _shell_quote(outer: str) -> str:
    """The shell's open quote, or "". A backquote ends at the next backquote, even in single quotes."""
    around = outer[outer.rfind("(") + 1 :].rstrip("{")
    return "`" if "`" in outer else around[-1:]
