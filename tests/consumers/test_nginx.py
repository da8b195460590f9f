"""The template `nginx` in the real nginx: calls reach the right servers, and no name becomes syntax."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.parse import quote

import pytest
from catalog import HOSTILE, freeze_catalog, names_of, odd_instances, server_of
from loopback import LoopbackServer, call
from project import Project

NGINX = {"type": "template", "builtin": "nginx", "path": "nginx.conf", "vars": {"listen": "127.0.0.1:@PORT@"}}

NO_PATH = ("/", "a/b", "..", "../../etc/passwd", "unix:/run/x", "</script>", "x" * 300)
"""Names to which no location of nginx leads."""


def test_calls_reach_the_servers_of_each_name(
    compiled: Callable[..., Project], servers: tuple[LoopbackServer, ...], nginx: Callable[[str], str]
) -> None:
    names = names_of("nginx", [name for name in HOSTILE if name not in NO_PATH])
    project = compiled(NGINX, instances=odd_instances(servers, names))
    address = nginx(project.read("nginx.conf").decode())
    for name in names:
        said = call(f"{address}/{quote(name, safe='')}/x%20y?q=%2F", host="shop.example")
        assert said == (server_of(name, servers).name, "/x%20y?q=%2F", "shop.example"), name

    def answer(name: str, calls: int = 1) -> Counter[str]:
        return Counter(call(f"{address}/{name}/").server for _ in range(calls))

    first, second, third, *_, six = (server.name for server in servers)
    assert answer("payments-v1", 10).keys() == {first, second}
    assert answer("payments-v2") == {third: 1}
    assert answer("weights-v1", 20) == {second: 20}
    assert answer("ledger") == {six: 1}
    assert answer("mail") == {first: 1}
    for name, status in (("empty-v1", 502), ("unknown", 404)):
        with pytest.raises(HTTPError) as caught:
            answer(name)
        caught.value.close()
        assert caught.value.code == status


@pytest.mark.parametrize("name", NO_PATH)
def test_a_name_that_no_location_leads_to_is_refused(
    name: str, project: Project, servers: tuple[LoopbackServer, ...]
) -> None:
    freeze_catalog(project.folder, [NGINX], odd_instances(servers, [name]))
    done = project.refused(2, "compile", "--offline")
    assert "no location of nginx leads to it\n  help: leave it out of the output: `select: " in done.stderr


def test_two_names_that_nginx_would_take_for_one_are_refused(
    project: Project, servers: tuple[LoopbackServer, ...]
) -> None:
    freeze_catalog(project.folder, [NGINX], odd_instances(servers, ["a.b", "UPPER", "upper"]))
    done = project.refused(4, "compile", "--offline")
    assert "`UPPER` and `upper` both become the name `upper` (nginx)" in done.stderr
