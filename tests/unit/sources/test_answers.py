from __future__ import annotations

import subprocess
import sys

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
