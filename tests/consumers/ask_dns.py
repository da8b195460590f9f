"""A script for the Python that has dnspython: asks a server on 127.0.0.1 and writes its answers as JSON.

Arguments: the port. Standard input: a JSON list of [name, type]. Output: for each the sorted records as text, and an
error's name where there are none.
"""

from __future__ import annotations

import json
import sys

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype


def answers(port: int, name: str, kind: str) -> list[str]:
    query = dns.message.make_query(name, kind)
    answer, _ = dns.query.udp_with_fallback(query, "127.0.0.1", port=port, timeout=10)
    if answer.rcode() != dns.rcode.NOERROR:
        return [dns.rcode.to_text(answer.rcode())]
    wanted = dns.rdatatype.from_text(kind)
    return sorted(str(record) for found in answer.answer if found.rdtype == wanted for record in found)


json.dump([answers(int(sys.argv[1]), name, kind) for name, kind in json.load(sys.stdin)], sys.stdout)
