"""Where quotes have an effect, by what stands before them on their line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.outputs.template.positions import START, fault_of, read_on

RIGHT = {
    "yaml": [
        *("", "  ", "- ", "- - ", "url: ", "  url:  ", "{url: ", "{a: b, url: ", "[", "[a, ", "[a,", '{"a":', "? "),
        *("- {url: http://x, a: ", "!tag ", "&anchor ", "key: !tag ", '"a": ', "'it''s': ", "x: {a: [1, 2], b: "),
        *("a#b: ", "- key: ", '"a", ', "'a', ", '  - {name: "x y", url: '),
    ],
    "json": ["", "[", '{"a":', '{"a": ', '["b", ', "x = ", "f(", "var x=", "a: ", '{"it\'s": ', "true && "],
    "py": ["", "x = ", "f(", "f(a=", '{"a": ', "['it\\'s', ", "x: str = ", "return "],
    "toml": ["a = ", "[", "[[services.", "{a = ", "['C:\\', ", '"a\\"b" = ', "[services."],
    "nginx": ["server ", "server\t", "location = ", "", "a 'b' ", "a;", "a { b ", 'add_header X "a\\"b" ', "a#b ", "}"],
    "shell": [
        *("", "echo ", "A=", "a --b=", "echo 'x' ", 'echo "x"', 'echo "$(cat ', "a\\\\ ", "echo \\' ", "a; b#c "),
        *("case x in a) ", "f() { echo ", "$((1)) ", "cat <<EOF ", 'X="${Y}"', "a && ", "echo a#"),
    ],
    "dotenv": ["A=", "  A=", "_a.B1="],
    "ansible": ["", "- ", "a: ", "[a, "],
    "spring": ["", "- ", "a: ", "[a, "],
    "traefik": ["", "- ", "a: ", "[a, "],
}
WRONG = {
    "yaml": [
        *("http://", "url: http://", "- {url: http://", "url:", "- a ", "-", "a, ", "x#", "# ", "a: b # ", "url: 'a "),
        *('url: "a ', '"a" ', "!tag", "[a, b", "{a: b ", "key: | ", "- 'it''s ", "a:b", "{url: http://x y"),
    ],
    "json": ["a", '"', '{"a": "b', '{"a": "b\\" ', "'a ", "`a ", "http://", "a.", "1"],
    "py": ["f", "x = f", '"owner ', "'a\\' ", "# ", "x = 1 # ", "x.", "'''", "1"],
    "toml": ["a", 'a = "', "a = '", "a = 'C:\\' # ", "# ", 'a = "b\\" ', "a = 1"],
    "nginx": [
        *("a=", "x", '"', "a 'b ", 'add_header X "owner ', "# ", "a; # ", "$", "a\\", "${x}", '"a"', "a 'b\\' "),
    ],
    "shell": [
        *('echo "', "echo 'a ", "`", "echo `cat ", "# ", "a; # ", "echo $", "echo \\", 'echo "a\\" ', 'X="${Y:-'),
        *('echo "$(cat "', 'echo "$(a) ', "echo '\\' '", '"`a '),
    ],
    "dotenv": [
        *(
            "",
            "  ",
            "A",
            "A= ",
            "A=x",
            "A=x B=",
            "A =",
            "export A=",
            "A='",
            'A="',
            "A='x'",
            'A="" ',
            "# A=",
            "A=b=",
            "A:",
        ),
        *("A=x # ", "=", "A='x'b=", "A='x' B="),
    ],
    "ansible": ["http://", "url:", "url: !unsafe", "'a ", "# "],
    "spring": ["http://", "url:", '"a ', "# "],
    "traefik": ["http://", "url:", '"a ', "# "],
}


def fault(name: str, line: str) -> tuple[str, str] | None:
    return fault_of(name, read_on(name, START, line))


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in RIGHT.items() for line in lines])
def test_quoted_text_may_stand_at_the_start_of_a_token(name: str, line: str) -> None:
    assert fault(name, line) is None


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in WRONG.items() for line in lines])
def test_quoted_text_in_a_word_a_quote_or_a_comment_is_a_fault_that_says_what_to_do(name: str, line: str) -> None:
    found = fault(name, line)
    assert found is not None
    message, way_out = found
    assert message.startswith(f"text quoted by `| {name}` ")
    assert way_out


@given(st.sampled_from(sorted(RIGHT)), st.text("ab \"'`#\\:-,[]{}()$=;", max_size=12), st.integers(0, 12))
def test_a_line_reads_the_same_in_pieces(name: str, line: str, at: int) -> None:
    whole = read_on(name, START, line)
    assert read_on(name, read_on(name, START, line[:at]), line[at:]) == whole
