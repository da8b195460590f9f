from __future__ import annotations

import subprocess
import sys
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.sources.answers import Malformed, typed, with_query

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))

RACE = """
import sys, threading
from frostline.sources.answers import decoder
from frostline.sources.consul_wire import ServiceEntry

CHECK = '{"Node": "n", "CheckID": "c", "Status": "passing"}'
ANSWER = '[{"Node": {"Node": "n"}, "Service": {"ID": "i", "Service": "s"}, "Checks": [%s]}]' % CHECK
sys.setswitchinterval(1e-6)
start = threading.Barrier(8)

def decode():
    start.wait()
    assert decoder(list[ServiceEntry]).decode(ANSWER)[0].service.name == "s"

threads = [threading.Thread(target=decode) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_that_decode_their_first_answer_at_once_do_not_end_the_process() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=3))
def test_a_query_holds_any_name_and_value(parameters: list[tuple[str, str]]) -> None:
    target = with_query("/v1/jobs", tuple(parameters))
    assert target.isascii()
    assert parse_qsl(urlsplit(target).query, keep_blank_values=True) == parameters


@given(st.binary())
def test_any_body_is_a_value_of_the_type_or_malformed(body: bytes) -> None:
    try:
        assert all(isinstance(name, str) for name in typed(body, list[str]))
    except Malformed as malformed:
        assert str(malformed)


def test_a_body_that_is_nested_too_deeply_is_malformed() -> None:
    with pytest.raises(Malformed, match="too deeply nested"):
        typed(b"[" * 100_000 + b"]" * 100_000, object)
