"""The filters dotenv, ansible and traefik in their real readers: nothing is expanded, and every text comes back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from programs import missing

from frostline.outputs.template import filters
from frostline.outputs.template.text import TemplateFault

pytestmark = pytest.mark.more_readers

GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
TEXTS = [
    *(f"a{chr(point)}b" for point in range(0x20, 0x180)),
    *(f"{one}{other}" for one in "\\'\"$`{#!%" for other in "\\'\"$`{}(n \n1a"),
    *("{{ 7*7 }}", "{% if true %}x{% endif %}", "a{# x #}b", "{{ env `HOME` }}", "{{{{ 1 }}}}", "${HOME}", "$HOME"),
    *("#jinja2: variable_start_string: '<<', variable_end_string: '>>'\n<< 7*7 >>", "{{ lookup('env', 'HOME') }}"),
    *(
        "a\nb",
        "\\\n",
        "\t",
        " a ",
        "😀",
        "\u2028",
        "-n",
        "yes",
        "12",
        "1e3",
        "null",
        "a: b # c",
        "!unsafe x",
        'it\'s "x"',
    ),
]


def taken_by(name: str) -> dict[str, str]:
    """Variable -> text, of those texts that the filter does not refuse."""
    found = {}
    for number, text in enumerate(TEXTS):
        try:
            filters.QUOTING[name](text)
        except TemplateFault:
            continue
        found[f"A{number}"] = text
    return found


def test_python_dotenv_sh_and_systemd_read_the_same_variables(tmp_path: Path, readers: str) -> None:
    expected = taken_by("dotenv")
    assert len(expected) > 400
    folder = tmp_path / "environment.d"
    folder.mkdir()
    path = folder / "frostline.conf"
    path.write_text("".join(f"{name}={filters.QUOTING['dotenv'](text)}\n" for name, text in expected.items()))
    script = "import dotenv, json, sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))"
    dotenv = subprocess.run([readers, "-c", script, str(path)], capture_output=True, check=True).stdout
    assert json.loads(dotenv) == expected

    show = "import json, os; print(json.dumps(dict(os.environ)))"
    command = f'set -a; . "{path}"; exec "{sys.executable}" -c "{show}"'
    sh = subprocess.run(["sh", "-c", command], capture_output=True, check=True, env={}).stdout
    assert {name: value for name, value in json.loads(sh).items() if name in expected} == expected

    if not GENERATOR.exists():
        missing("environment generator")
    generated = subprocess.run([GENERATOR], capture_output=True, check=True, env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert generated.stderr == b""
    read = dict(_variable(line) for line in generated.stdout.decode().split("\n"))
    assert {name: value for name, value in read.items() if name in expected} == expected


def _variable(line: str) -> tuple[str, str]:
    """A line of the generator's: a value that is not plain is in double quotes, with the escapes of C and the shell."""
    name, _, value = line.partition("=")
    if value[:1] != '"':
        return name, value
    escapes = {"n": "\n", "t": "\t"}
    return name, re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), value[1:-1])


def test_ansible_executes_nothing(tmp_path: Path, readers: str) -> None:
    expected = {**taken_by("ansible"), "nested": {"{{ 7*7 }}": ["{{ 7*7 }}", {"a": "{{ 8 }}"}, 1, None, True]}}
    assert len(expected) == len(TEXTS) + 1
    variables = "".join(f"      {name}: {filters.QUOTING['ansible'](value)}\n" for name, value in expected.items())
    (tmp_path / "hosts.yaml").write_text(
        f"all:\n  hosts:\n    local:\n"
        f"      ansible_connection: local\n      ansible_python_interpreter: {json.dumps(readers)}\n{variables}"
    )
    shown = "{{ dict(names | zip(names | map('extract', vars))) | to_json }}"
    names = json.dumps(list(expected))
    (tmp_path / "play.yaml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        f'    - copy: {{content: "{shown}", dest: {tmp_path}/seen.json}}\n      vars: {{names: {names}}}\n'
    )
    command = [str(Path(readers).with_name("ansible-playbook")), "-i", "hosts.yaml", "play.yaml"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "seen.json").read_text()) == expected
