"""Which waivers are said to silence nothing."""

from __future__ import annotations

from frostline.model import FileOrigin
from frostline.pipeline.compile.waivable import judge_waivers
from frostline.settings import Waiver


def test_a_waiver_of_what_a_plug_in_found_is_not_misspelt_however_alike_rules_are() -> None:
    waiver = Waiver(rule="port-zeros", service="*", until="2027-01-31", why="x", origin=FileOrigin("frostline.yaml"))
    (finding,) = judge_waivers((waiver,), ())
    assert finding.help == "did you mean `port-zero`?"
    assert judge_waivers((waiver,), {"port-zeros"}) == ()
