from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.errors import RefusedError, UsageError
from frostline.plan.changes import Plan, plan_value
from frostline.plan.saved import Basis, Saved, changed_files, changed_inputs, digest_of, read_saved, saved_bytes
from frostline.published import FileChange
from frostline.settings import Allow

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
BASIS = Basis(only=(), allow=Allow(), today="2026-01-01", inputs={"frostline.yaml": ONE}, lock=ONE, manifest=None)
CHANGE = FileChange(path="a.yaml", output="a.yaml", action="create", sha256="1" * 64)
SAVED = Saved(made="2026-01-01T00:00:00Z", basis=BASIS, changes=(CHANGE,), new_lock="")


def written(path: Path, saved: Saved = SAVED) -> Path:
    path.write_bytes(saved_bytes(plan_value(Plan(services=(), files=(), lock=None)), saved)[0])
    return path


def test_a_saved_plan_reads_back_unchanged(tmp_path: Path) -> None:
    file = read_saved(written(tmp_path / "plan.json"))
    assert file.saved == SAVED
    assert saved_bytes(plan_value(Plan(services=(), files=(), lock=None)), SAVED) == (file.data, file.digest)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"changes":false', '"changes":true'),
        ('"2026-01-01T00', '"2027-01-01T00'),
        ('"today":"2026', '"today":"2025'),
        ('"allow":{', '"allow": {'),
        ('"held":[]', '"held":[],"held":["a"]'),
        ('"held":[]', '"h\\u0065ld":[]'),
        ('"saved":', '"digest":"sha256:' + "0" * 64 + '","saved":'),
        ('"}\n', '"}'),
        ('"}\n', '"}\n\n'),
        ('"digest":"', '"digest": "'),
    ],
)
def test_a_saved_plan_with_any_change_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = written(tmp_path / "plan.json")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(RefusedError, match="was changed since it was made") as caught:
        read_saved(path)
    assert "make a new plan" in str(caught.value.help)


def test_a_file_without_a_digest_is_not_a_saved_plan(tmp_path: Path) -> None:
    path = written(tmp_path / "plan.json")
    text = path.read_text()
    path.write_text(text[: text.index(',"digest"')] + "}")
    with pytest.raises(UsageError, match="it has no `digest`"):
        read_saved(path)


@pytest.mark.parametrize(
    "changed",
    [{"lock": f"{ONE}\n"}, {"lock": "1" * 64}, {"manifest": f"sha256:{'g' * 64}"}, {"today": "2026-01-01\n"}],
    ids=str,
)
def test_a_malformed_digest_or_date_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = written(tmp_path / "plan.json", replace(SAVED, basis=replace(BASIS, **changed)))
    with pytest.raises(UsageError, match="this is not a saved plan"):
        read_saved(path)


def test_a_missing_plan_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read") as caught:
        read_saved(tmp_path / "plan.json")
    assert "frostline plan --out" in str(caught.value.help)


def test_inputs_that_were_added_removed_or_changed_are_named_in_order() -> None:
    now = replace(BASIS, inputs={"b.j2": ONE, "a.j2": ONE}, lock=TWO, manifest=ONE)
    assert changed_inputs(BASIS, now) == ["`a.j2`", "`b.j2`", "`frostline.yaml`", "the committed lock", "the manifest"]
    assert changed_inputs(BASIS, BASIS) == []


def test_a_file_counts_as_changed_if_any_part_of_its_change_differs() -> None:
    assert changed_files([CHANGE], [CHANGE]) == []
    assert changed_files([CHANGE], [replace(CHANGE, mode=0o755)]) == ["a.yaml"]
    assert changed_files([CHANGE], []) == changed_files([], [CHANGE]) == ["a.yaml"]


def test_a_missing_file_has_no_digest_and_a_folder_is_an_error(tmp_path: Path) -> None:
    assert digest_of(tmp_path / "missing") is None
    with pytest.raises(UsageError):
        digest_of(tmp_path)
