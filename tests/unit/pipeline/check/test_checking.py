from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from frostline.cli.main import run
from frostline.cli.options import REPORT_FORMATS
from frostline.errors import SourceError
from frostline.pipeline.check import checking
from frostline.pipeline.check.checking import CheckResult, check
from frostline.pipeline.load.config import load_config
from frostline.settings import Config

TODAY = date(2026, 1, 1)
STATIC = {"type": "static", "services": {"billing": "https://billing.example"}}
OUTPUTS = [{"type": "yaml", "path": "services.yaml"}, {"type": "yaml", "path": "other.yaml"}]

Configure = Callable[..., Config]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """`configure(outputs=[…], …)`: the configuration with these keys, in the current folder."""
    monkeypatch.chdir(tmp_path)

    def config(**keys: Any) -> Config:
        value = {"version": 1, "sources": {"partners": STATIC}, "outputs": OUTPUTS, **keys}
        (tmp_path / "frostline.yaml").write_text(json.dumps(value))
        return load_config(tmp_path / "frostline.yaml")

    return config


def drift_of(config: Config) -> list[tuple[str, str]]:
    return [(drift.subject, drift.reason) for drift in check(config, TODAY, live=False).drift]


def test_an_up_to_date_publication_has_no_drift(configure: Configure) -> None:
    config = configure()
    assert run(["compile", "-q"]) == 0
    assert check(config, TODAY, live=False) == CheckResult(findings=(), drift=())


def test_before_the_first_compile_files_and_manifest_are_missing(configure: Configure) -> None:
    assert drift_of(configure()) == [
        ("other.yaml", "is missing"),
        ("services.yaml", "is missing"),
        ("the manifest", "is missing: nothing was published yet"),
    ]


def test_without_a_manifest_files_with_the_right_bytes_are_only_not_in_it(configure: Configure, tmp_path: Path) -> None:
    config = configure(outputs=OUTPUTS[:1])
    assert run(["compile", "-q"]) == 0
    (tmp_path / "frostline.manifest").unlink()
    assert drift_of(config)[-1] == ("the manifest", "is missing: `frostline compile` records what is published")


def test_the_help_for_a_difference_depends_on_who_owns_the_file(configure: Configure, tmp_path: Path) -> None:
    configure(outputs=OUTPUTS[:1])
    assert run(["compile", "-q", "--allow", "orphans"]) == 0
    (tmp_path / "services.yaml").write_text("edited")
    (tmp_path / "other.yaml").write_text("not ours")
    drift = check(configure(), TODAY, live=False).drift
    helps = {difference.subject: difference.finding().help or "" for difference in drift}
    assert "`frostline compile --allow edited`" in helps["services.yaml"]
    assert "`frostline compile --allow adopt`" in helps["other.yaml"]


def test_an_edited_file_and_somebody_elses_file_are_drift_and_not_findings(
    configure: Configure, tmp_path: Path
) -> None:
    configure(outputs=OUTPUTS[:1])
    assert run(["compile", "-q"]) == 0
    (tmp_path / "services.yaml").write_text("edited")
    (tmp_path / "other.yaml").write_text("not ours")
    config = configure()
    assert drift_of(config) == [
        ("other.yaml", "exists already, and frostline did not write it"),
        ("services.yaml", "was edited since frostline wrote it"),
    ]
    assert not check(config, TODAY, live=False).refused


def test_an_edited_file_shows_the_lines_that_were_edited(configure: Configure, tmp_path: Path) -> None:
    config = configure()
    assert run(["compile", "-q"]) == 0
    path = tmp_path / "services.yaml"
    published = path.read_text()
    path.write_text(published.replace("https://billing.example", "https://evil.example"))
    (drift,) = check(config, TODAY, live=False).drift
    changed = [number for number, line in enumerate(published.splitlines(), 1) if "https://billing" in line]
    assert [line.split()[:2] for line in drift.lines if line.split()[1] == "+"] == [[str(at), "+"] for at in changed]
    assert all("https://evil.example" in line for line in drift.lines if line.split()[1] == "+")
    assert len(drift.lines) == 2 * len(changed)


def test_a_file_that_is_only_out_of_date_or_an_orphan_shows_no_lines(configure: Configure, tmp_path: Path) -> None:
    configure()
    assert run(["compile", "-q"]) == 0
    (tmp_path / "other.yaml").write_text("edited")
    moved = {"type": "static", "services": {"billing": "https://pay.example"}}
    config = configure(sources={"partners": moved}, outputs=OUTPUTS[:1])
    assert [drift.lines for drift in check(config, TODAY, live=False).drift] == [(), (), ()]


def test_drift_reads_as_a_finding_as_recorded(configure: Configure, matches_golden: Any) -> None:
    matches_golden("drift", [drift.finding() for drift in check(configure(), TODAY, live=False).drift])


def test_files_that_the_configuration_changes_are_out_of_date_or_no_longer_wanted(configure: Configure) -> None:
    configure()
    assert run(["compile", "-q"]) == 0
    moved = {"type": "static", "services": {"billing": "https://pay.example"}}
    config = configure(sources={"partners": moved}, outputs=OUTPUTS[:1])
    assert drift_of(config) == [
        ("other.yaml", "is in the manifest, but no configured output writes it"),
        ("services.yaml", "is out of date with the lock or the configuration"),
        ("the manifest", "is out of date with the lock or the configuration"),
    ]


def test_a_file_with_the_right_bytes_that_the_manifest_lacks_is_drift(configure: Configure, tmp_path: Path) -> None:
    configure()
    assert run(["compile", "-q"]) == 0
    right = (tmp_path / "other.yaml").read_bytes()
    configure(outputs=OUTPUTS[:1])
    assert run(["compile", "-q", "--allow", "orphans"]) == 0
    (tmp_path / "other.yaml").write_bytes(right)
    assert drift_of(configure()) == [("other.yaml", "has the right content, but is not in the manifest")]


@pytest.mark.parametrize("format_name", REPORT_FORMATS)
def test_every_format_says_what_expires_soon_and_neither_status_nor_outputs_change(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str], format_name: str
) -> None:
    entry = {"rule": "guard-delete", "service": "*", "until": "2027-01-31", "why": "retired"}
    configure(guards={"accept": [entry]}, checks={"waivers": [{**entry, "rule": "tags"}]})
    assert run(["compile", "-q", "--today", "2027-01-01"]) == 0
    for command in ("check", "plan"):
        capsys.readouterr()
        assert run([command, "--format", format_name, "--today", "2027-01-24"]) == 0
        assert "expires-soon" not in capsys.readouterr().out
        assert run([command, "--format", format_name, "--today", "2027-01-31"]) == 0
        said = "".join(capsys.readouterr())
        assert said.count("expires-soon") >= 2
        assert "expires after 2027-01-31 (retired)" in said
    before = (tmp_path / "services.yaml").read_bytes()
    assert run(["compile", "-q", "--today", "2027-01-31"]) == 0
    assert (tmp_path / "services.yaml").read_bytes() == before


def test_a_failed_check_refuses(configure: Configure) -> None:
    config = configure(checks={"policies": {"required": ["ledger"]}})
    assert check(config, TODAY, live=False).refused


def test_an_unreadable_source_does_not_affect_the_rest_of_the_result(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = SourceError("no answer")

    def freeze(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(checking, "freeze", freeze)
    result = check(configure(), TODAY, live=True)
    assert result.unread is error
    assert len(result.drift) == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], "is out of date, although no service, endpoint or upstream changes"),
        (["add a v1", "upstreams"], "is out of date: add a v1, upstreams"),
        ([str(number) for number in range(11)], " …"),
    ],
)
def test_the_reason_of_a_lock_names_the_first_changes(changes: list[str], expected: str) -> None:
    assert checking._lock_reason(changes).endswith(expected)
