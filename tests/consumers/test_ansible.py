"""`builtin: ansible`, read by ansible-inventory, and by tasks that must not run what the catalog says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from catalog import freeze_catalog, names_of, odd_instances
from loopback import LoopbackServer
from project import Project

from frostline.model import Instance

pytestmark = pytest.mark.more_readers

Compiled = Callable[..., Project]

OUTPUT = {"type": "template", "builtin": "ansible", "path": "services.yaml"}
# Each loop makes templates of the keys that Ansible has not been told to leave alone.
PLAY = r"""
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        found: "{{ found | default([]) + [item.key] }}"
      loop: "{{ hostvars[groups['odd'][0]].frostline_meta | dict2items }}"
    - ansible.builtin.copy:
        dest: "{{ seen }}"
        content: "{{ [found, groups['all'] | map('extract', hostvars)] | to_json }}"
"""

CALLED = r"""
- hosts: api_80,web,fd00__1_80,six
  gather_facts: false
  connection: local
  serial: 1
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.lineinfile: {path: "{{ seen }}", create: true, line: "{{ frostline_name }}={{ ansible_host }}"}
"""


def run(readers: str, program: str, *arguments: str | Path, cwd: Path) -> str:
    """A program of ansible-core's, with no configuration but its own."""
    done = subprocess.run(
        [Path(readers).parent / program, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8", "ANSIBLE_LOCALHOST_WARNING": "0"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def plain(value: Any) -> Any:
    """What ansible-inventory shows, without its marks for text that is never run."""
    if isinstance(value, dict):
        return value["__ansible_unsafe"] if "__ansible_unsafe" in value else {k: plain(v) for k, v in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_a_hostile_catalog_becomes_groups_and_hosts(
    compiled: Compiled, servers: tuple[LoopbackServer, ...], readers: str
) -> None:
    names = names_of("ansible")
    folder = compiled(OUTPUT, instances=odd_instances(servers, names)).folder
    listed = plain(json.loads(run(readers, "ansible-inventory", "-i", "services.yaml", "--list", cwd=folder)))
    hosts = listed.pop("_meta")["hostvars"]
    groups = {name: [hosts[host] for host in group["hosts"]] for name, group in listed.items() if group.get("hosts")}
    first, second, third, *_, six = servers
    assert {(h["ansible_host"], h["frostline_port"]) for h in groups["payments_v1"]} == {
        (server.address, server.port) for server in (first, second)
    }
    assert [(h["frostline_name"], h["frostline_port"]) for h in groups["payments_v2"]] == [("payments-v2", third.port)]
    assert sorted(h["frostline_weight"] for h in groups["weights_v1"]) == [0, 1, 65535]
    assert [h["ansible_host"] for h in groups["ledger"] + groups["mail"]] == [six.address, "localhost"]
    assert len(groups["many"]) == 1000
    assert "empty_v1" in listed["all"]["children"]
    odd = {host["frostline_name"]: host for host in hosts.values() if host["frostline_name"] in names}
    assert set(odd) == set(names)
    for name, host in odd.items():
        assert (set(host["frostline_tags"]), host["frostline_meta"]) == ({name, "web"}, {"owner": name})


def test_nothing_of_a_catalog_is_run(compiled: Compiled, readers: str, tmp_path: Path) -> None:
    hostile = ("{{ 7*7 }}", "{% if true %}x{% endif %}", "{{ lookup('pipe', 'touch run') }}", "{# gone #}")
    meta = dict.fromkeys(hostile, hostile[0])
    names = [*(f"x{n}{text}" for n, text in enumerate(hostile)), "#jinja2: variable_start_string: '<<'\n<< 7*7 }}"]
    instances = (
        Instance(service="odd", node="n", id="o", address="10.0.0.1", port=1, tags=hostile, meta=meta),
        *(Instance(service=name, node="n", id=name, address="10.0.0.2", port=n) for n, name in enumerate(names, 1)),
    )
    folder = compiled(OUTPUT, instances=instances).folder
    (folder / "play.yaml").write_text(PLAY, encoding="utf-8")
    seen = tmp_path / "seen.json"
    run(readers, "ansible-playbook", "-i", "services.yaml", "-e", f"seen={seen}", "play.yaml", cwd=folder)
    keys, hosts = json.loads(seen.read_text(encoding="utf-8"))
    assert sorted(keys) == sorted(hostile)
    (odd,) = [host for host in hosts if host["frostline_name"] == "odd"]
    assert odd["frostline_meta"] == dict.fromkeys(hostile, hostile[0])
    assert set(odd["frostline_tags"]) == set(hostile)
    assert {host["frostline_name"] for host in hosts} == {instance.service for instance in instances}
    assert not (folder / "run").exists()


def test_no_host_is_taken_for_a_group_of_its_name(compiled: Compiled, readers: str, tmp_path: Path) -> None:
    """`api` at port 80 beside a service `api_80`: of one name, Ansible would call one for the other."""
    instances = (
        Instance(service="api_80", node="n", id="a", address="10.0.0.1", port=1),
        Instance(service="web", node="n", id="b", address="api", port=80),
        Instance(service="fd00__1_80", node="n", id="c", address="10.0.0.2", port=2),
        Instance(service="six", node="n", id="d", address="fd00::1", port=80),
    )
    folder = compiled(OUTPUT, instances=instances).folder
    seen = tmp_path / "seen"
    (folder / "play.yaml").write_text(CALLED, encoding="utf-8")
    run(readers, "ansible-playbook", "-i", "services.yaml", "-e", f"seen={seen}", "play.yaml", cwd=folder)
    assert sorted(seen.read_text().split()) == ["api_80=10.0.0.1", "fd00__1_80=10.0.0.2", "six=fd00::1", "web=api"]


def test_names_that_become_one_are_refused(project: Project) -> None:
    instances = [Instance(service=name, node="n", id=name, address="10.0.0.1", port=1) for name in ("a.b", "a-b")]
    freeze_catalog(project.folder, [OUTPUT], instances)
    done = project.refused(4, "compile", "--offline")
    assert "`a-b` and `a.b` both become the name `a_b` (ansible)" in done.stderr
