"""Numbers calculate, print and compare as in Go's big.Float."""

from __future__ import annotations

import time
from fractions import Fraction
from math import copysign, frexp, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.hcl.number import Number, NumberError

parse = Number.parse
amounts = st.builds(
    lambda mantissa, exponent: parse(f"{mantissa}e{exponent}"), st.integers(-(10**60), 10**60), st.integers(-80, 80)
)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0", "0"),
        ("007", "7"),
        ("-0", "-0"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1.5e3", "1500"),
        ("1E-3", "0.001"),
        ("1p4", "16"),
        ("3p-1", "1.5"),
        ("100000000000000000001", "100000000000000000001"),
        ("1e30", "1" + "0" * 30),
        ("Inf", "+Inf"),
        ("-inf", "-Inf"),
        ("1e999999999", "+Inf"),
        ("-1e999999999", "-Inf"),
        ("1e-999999999", "0"),
        ("0e999999999", "0"),
    ],
)
def test_a_text_is_read_and_printed_without_exponent(text: str, printed: str) -> None:
    assert str(parse(text)) == printed


@pytest.mark.parametrize("text", ["", " 1", "1 ", "x", "1_000", "0x10", "--1", "1e", "e5", ".", "infinity", "NaN", "١"])
def test_an_invalid_number_is_refused(text: str) -> None:
    with pytest.raises(NumberError, match="a number is required"):
        parse(text)


@pytest.mark.parametrize("text", ["1e100000", "1e100000000", "1e-100000", "1p600000", "1e99999999999", "9" * 20_000])
def test_a_number_that_would_fill_memory_is_refused_at_once(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(NumberError):
        parse(text)
    assert time.monotonic() - began < 0.2


def test_a_product_that_grows_without_end_is_refused() -> None:
    number = parse("1e3000")
    with pytest.raises(NumberError, match="too large"):
        number * number * number * number


def test_a_third_has_512_bits() -> None:
    third = str(parse("1") / parse("3"))
    assert third == "0." + "3" * 154 + "5"


def test_a_float_has_53_bits_and_a_result_those_of_the_greater_precision() -> None:
    assert str(Number.of_float(0.1)) == "0.1"
    assert str(Number(1, 64) / Number(3, 64)) == "0.33333333333333333334"
    assert str(Number(1, 64) / parse("3")) == str(parse("1") / parse("3"))
    assert (Number(1, 53) + Number(1 << 53, 53)).value == 1 << 53  # half way, to even
    assert (Number(3, 53) + Number(1 << 53, 53)).value == (1 << 53) + 4


def test_a_product_has_the_bits_that_it_needs() -> None:
    big = Number((1 << 64) - 1, 64)
    assert (big * big).value == ((1 << 64) - 1) ** 2


@pytest.mark.parametrize(
    ("left", "right", "quotient"),
    [
        ("1", "0", "+Inf"),
        ("-1", "0", "-Inf"),
        ("1", "-0", "-Inf"),
        ("1", "Inf", "0"),
        ("-1", "Inf", "-0"),
        ("0", "-5", "-0"),
    ],
)
def test_division_by_zero_and_infinity_has_signs(left: str, right: str, quotient: str) -> None:
    assert str(parse(left) / parse(right)) == quotient


@pytest.mark.parametrize(("left", "right"), [("0", "0"), ("Inf", "Inf"), ("0", "-0"), ("Inf", "-Inf")])
def test_a_division_without_a_result_is_refused(left: str, right: str) -> None:
    with pytest.raises(NumberError, match="cannot be divided"):
        parse(left) / parse(right)


def test_opposite_infinities_have_no_sum_and_zero_times_infinity_no_product() -> None:
    with pytest.raises(NumberError):
        parse("Inf") + parse("-Inf")
    with pytest.raises(NumberError):
        parse("Inf") - parse("Inf")
    with pytest.raises(NumberError):
        parse("0") * parse("Inf")
    assert str(parse("Inf") + parse("1")) == "+Inf"
    assert str(parse("-2") * parse("Inf")) == "-Inf"


@pytest.mark.parametrize(
    ("left", "right", "rest"),
    [("7", "3", "1"), ("-7", "3", "-1"), ("-7.5", "2", "-1.5"), ("5", "0", "5"), ("7", "-3", "1")],
)
def test_a_remainder_has_the_sign_of_the_dividend(left: str, right: str, rest: str) -> None:
    assert str(parse(left) % parse(right)) == rest


@pytest.mark.parametrize(("left", "right"), [("Inf", "3"), ("3", "Inf"), ("-Inf", "Inf")])
def test_infinity_has_no_remainder(left: str, right: str) -> None:
    with pytest.raises(NumberError, match="no remainder"):
        parse(left) % parse(right)


def test_numbers_with_a_fraction_are_equal_if_they_print_the_same() -> None:
    assert Number.of_float(0.1).equals(parse("0.1"))
    assert Number.of_float(0.1) != parse("0.1")
    assert parse("-0").equals(parse("0"))
    assert not parse("0.1").equals(parse("0.10000000000000001"))
    assert Number.of_float(inf).equals(parse("Inf"))


def test_a_whole_number_converts_to_an_int() -> None:
    assert parse("15e1").whole() == 150
    assert parse("-0").whole() == 0
    assert parse("1.5").whole() is None
    assert parse("Inf").whole() is None


def test_a_negative_zero_stays_negative() -> None:
    assert str(-parse("0")) == "-0"
    assert str(parse("-0") + parse("-0")) == "-0"
    assert str(parse("-0") + parse("0")) == "0"
    assert str(abs(parse("-0"))) == "0"
    assert str(Number.of_float(copysign(0, -1))) == "-0"


@settings(deadline=None)
@given(amounts)
def test_a_printed_number_reads_back_the_same(number: Number) -> None:
    assert parse(str(number)).value == number.value


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_converts_to_a_number_and_back(value: float) -> None:
    assert Number.of_float(value).to_float() == value
    if abs(frexp(value)[0]) != 0.5:
        assert float(str(Number.of_float(value))) == value


def test_a_power_of_two_prints_as_in_go_even_if_it_reads_back_as_its_neighbour() -> None:
    assert str(Number.of_float(2.0**-24)) == "0.00000005960464477539062"


@settings(deadline=None)
@given(st.integers(-(10**100), 10**100), st.integers(-(10**100), 10**100))
def test_whole_numbers_of_512_bits_calculate_exactly(left: int, right: int) -> None:
    assert (Number(left) + Number(right)).whole() == left + right
    assert (Number(left) - Number(right)).whole() == left - right
    assert (Number(left) < Number(right)) == (left < right)
    assert (Number(left) <= Number(right)) == (left <= right)


@settings(deadline=None)
@given(amounts, amounts)
def test_a_result_is_the_nearest_number_of_512_bits(left: Number, right: Number) -> None:
    for result, exact in [
        (left + right, Fraction(left.value) + Fraction(right.value)),
        (left * right, Fraction(left.value) * Fraction(right.value)),
    ]:
        assert abs(Fraction(result.value) - exact) <= abs(exact) / (1 << 512)
        assert abs(Fraction(result.value).numerator).bit_length() <= 512 or Fraction(result.value).denominator == 1
