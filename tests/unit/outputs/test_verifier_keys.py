from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frostline.config.cursor import Cursor
from frostline.errors import ErrorGroup
from frostline.model import FileOrigin
from frostline.outputs.verifier_keys import verifier_of
from frostline.pipeline.load.config import load_config
from frostline.settings import Verifier

On = Callable[[str], Cursor]


def test_the_words_are_read_as_they_are_written(cursor: On) -> None:
    words = (
        """[nginx, -t, -c, "{path}", "a={root}", "", "${path}", "{ x }", "{1}", "{}", "${var}", "{print $1}", "}{"]"""
    )
    found = verifier_of(cursor(f"{{verify: {words}, verify_timeout: 500ms}}"))
    assert found == Verifier(
        words=(
            "nginx",
            "-t",
            "-c",
            "{path}",
            "a={root}",
            "",
            "${path}",
            "{ x }",
            "{1}",
            "{}",
            "${var}",
            "{print $1}",
            "}{",
        ),
        origin=FileOrigin("f.yaml", 1, 15),
        timeout=0.5,
    )


def test_an_output_is_verified_by_nobody_unless_it_says_so(cursor: On) -> None:
    assert verifier_of(cursor("{type: yaml}")) is None
    found = verifier_of(cursor("{verify: [x]}"))
    assert found is not None
    assert found.timeout == 60


@pytest.mark.parametrize(
    ("keys", "message", "help"),
    [
        ("verify: ['']", "its first word is empty", "write the program's name"),
        ("verify: [' ', x]", "its first word is empty", "write the program's name"),
        ("verify: [x, '{paht}']", "unknown placeholder {paht}", "did you mean {path}?"),
        ("verify: [x, '--{roots}']", "unknown placeholder {roots}", "did you mean {root}?"),
        ("verify: [x, '{datacenter}']", "unknown placeholder {datacenter}", "write `{ datacenter }`"),
        ("verify_timeout: 5s", "`verify_timeout` needs `verify`", "name the program"),
        ("verify: [x], verify_timeout: 0s", "must be more than 0", "write a duration"),
        ("verify: [x], verify_timeout: 48h", "must be at most one day", "write a duration"),
    ],
)
def test_what_cannot_be_meant_is_refused(cursor: On, keys: str, message: str, help: str) -> None:
    place = cursor(f"{{{keys}}}")
    verifier_of(place)
    (error,) = place.state.errors
    assert message in str(error)
    assert help in str(error.help)


@pytest.mark.parametrize(
    ("written", "message", "help"),
    [
        ("nginx -t", "must be a list of words, such as [nginx", "no shell reads it"),
        ("[]", "`verify` is empty", "a list of words"),
        ("[sleep, 60]", "an item of `verify` must be a string", '"5"'),
        ("[nginx, {path}]", "an item of `verify` must be a string", '"{path}"'),
        ('[nginx, "a\\0b"]', "has a NUL in it", "remove it"),
        ("", "`verify` has no value", "give it one"),
    ],
)
def test_what_is_no_list_of_words_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: Any, written: str, message: str, help: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "sources: {a: {type: static, services: {}}}\noutputs:\n  - type: yaml\n    path: o.yaml\n"
    Path("frostline.yaml").write_text(f"{text}    verify: {written}\n")
    with pytest.raises(ErrorGroup) as caught:
        load_config(Path("frostline.yaml"))
    (error,) = caught.value.errors
    assert message in error.message
    assert help in str(error.help)
    assert str(error.origin).startswith("frostline.yaml:5:")


def test_outputs_of_any_type_have_a_verifier_also_where_another_package_reads_its_own_keys(
    tmp_path: Path, monkeypatch: Any, install_entries: Any
) -> None:
    from frostline.settings import OutputSettings

    def configure(cursor: Cursor, context: Any) -> OutputSettings:
        return OutputSettings(name="n", type="theirs", path=tmp_path / "t", origin=cursor.origin)

    install_entries(outputs={"theirs": {"configure": configure}})
    monkeypatch.chdir(tmp_path)
    outputs = "".join(f"  - {{type: {kind}, path: {kind}, verify: [x]}}\n" for kind in ("yaml", "hiera", "theirs"))
    Path("frostline.yaml").write_text(f"sources: {{a: {{type: static, services: {{}}}}}}\noutputs:\n{outputs}")
    assert [one.verifier is not None for one in load_config(Path("frostline.yaml")).outputs] == [True] * 3
