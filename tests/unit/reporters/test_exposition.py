"""The text format of metrics: what is written, and what is read of it again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from frostline.reporters.exposition import exposition, sample, samples_in

HELPS = {"frostline_a": "The first.", "frostline_b": "The second."}


def test_metrics_are_written_in_order_with_help_and_type() -> None:
    samples = [
        sample("frostline_b", {"x": "1"}, 2.5),
        sample("frostline_a", {"y": "b"}, 1),
        sample("frostline_a", {}, 0),
    ]
    assert exposition(samples, HELPS) == (
        "# HELP frostline_a The first.\n# TYPE frostline_a gauge\n"
        'frostline_a{} 0\nfrostline_a{y="b"} 1\n'
        '# HELP frostline_b The second.\n# TYPE frostline_b gauge\nfrostline_b{x="1"} 2.5\n'
    )


def test_a_value_of_a_label_is_quoted_and_stays_on_its_line() -> None:
    text = exposition([sample("frostline_a", {"x": 'a"} 1\n#\\n\x00\u2028'}, 1796025204.353)], HELPS)
    assert text.split("\n")[2:] == [r'frostline_a{x="a\"} 1\\n#\\n\\x00\\u2028"} 1796025204.353', ""]


def test_the_same_name_and_labels_are_written_once() -> None:
    # An escape such as \x1b and the character itself are one label then.
    samples = [sample("frostline_a", {"x": "\x1b"}, 1), sample("frostline_a", {"x": r"\x1b"}, 2)]
    assert exposition(samples, HELPS).count("frostline_a{") == 1


@given(st.dictionaries(st.sampled_from("xyz"), st.text()), st.integers(0, 2**40))
def test_a_written_sample_is_read_again(labels: dict[str, str], value: int) -> None:
    written = sample("frostline_a", labels, value)
    assert list(samples_in(exposition([written], HELPS))) == [written]


@given(st.text())
def test_any_other_text_is_skipped(text: str) -> None:
    list(samples_in(text))
    assert list(samples_in(f'frostline_a{{x="{text.replace(chr(34), "")}\n 1.2.3')) == []
