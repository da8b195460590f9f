from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from frostline.config.cursor import Cursor
from frostline.settings import Keep, LiveLimits, Select, Tls, Token
from frostline.sources.server_keys import SERVER_KEYS, server_fields

On = Callable[[str], Cursor]


def test_the_keys_of_a_server_are_read_and_paths_start_in_the_folder(cursor: On) -> None:
    written = (
        "{address: 'h:1', token: {file: t}, tls: {ca_file: ca.pem, verify: false}, partial: true, max_stale: 1m, "
        "consistency: eventual, connections: 2, connect_timeout: 1s, timeout: 2s, deadline: 3s, retries: 0, "
        "select: {services: [a]}, keep: {tags: []}}"
    )
    fields = server_fields(cursor(written), Path("/srv"))
    assert str(fields.pop("address_origin")).endswith(":1:7")
    assert str(fields.pop("token_origin")).endswith(":1:23")
    assert str(fields.pop("tls_origin")).endswith(":1:41")
    naming = fields.pop("naming")
    assert naming.patterns == ("{service}-{version}", "{service}")
    assert fields == {
        "address": "h:1",
        "token": Token(file=Path("/srv/t")),
        "tls": Tls(ca_file=Path("/srv/ca.pem"), verify=False),
        "partial": True,
        "consistency": "eventual",
        "max_stale": 60.0,
        "limits": LiveLimits(connections=2, connect_timeout=1.0, timeout=2.0, deadline=3.0, retries=0),
        "select": Select(services=("a",)),
        "keep": Keep(tags=()),
    }


def test_keys_that_are_absent_leave_the_defaults(cursor: On) -> None:
    assert server_fields(cursor("{}"), Path("/srv")).keys() == {"naming", "limits"}


def test_a_limit_of_zero_is_refused(cursor: On) -> None:
    place = cursor("{timeout: 0s, max_stale: 0s}")
    server_fields(place, Path("/srv"))
    assert [error.message for error in place.state.errors] == ["`timeout` must be more than 0"]


def test_every_key_that_is_read_is_in_the_schema() -> None:
    assert {"token", "tls", "partial", "max_stale", "retries", "select", "keep", "url"} <= SERVER_KEYS.keys()
