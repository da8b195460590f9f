"""The numbers of cty: binary floating point of up to 512 bits, rounded to even (Go's big.Float).

A number from a text has 512 bits, a whole number from a function 64, a number from a float 53. The result of an
operator has the greater precision of its operands. There are two infinities and a negative zero.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from math import copysign, inf

# Go's numbers reach 2**_GO_BITS, which takes minutes and gigabytes to print. So numbers with more bits than _MOST_BITS
# before or after the point are refused.
_MOST_BITS = 1 << 15
_GO_BITS = 1 << 31
_MOST_CHARACTERS = 10_000
_PRECISION = 512
_SYNTAX = re.compile(r"([+-]?)(?:([0-9]++)\.?+([0-9]*+)|\.([0-9]++))(?:([eEpP])([+-]?[0-9]+))?")
_INFINITIES = {"Inf": inf, "inf": inf, "+Inf": inf, "+inf": inf, "-Inf": -inf, "-inf": -inf}

Exact = int | Fraction | float


class NumberError(ValueError):
    """A number is invalid, or an operation has no result. The message is a clause without a full stop."""


class Number:
    """A number.

    value: the exact value: an int if it is whole, else a Fraction (its denominator is a power of two); a float only for
    -0.0 and the infinities. precision: the bits of its mantissa.
    """

    __slots__ = ("precision", "value")

    def __init__(self, value: Exact, precision: int = _PRECISION) -> None:
        self.value = value
        self.precision = precision

    def __eq__(self, other: object) -> bool:
        """Whether the exact values are equal. HCL's `==` is `equals`."""
        return isinstance(other, Number) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Number({self})"

    @staticmethod
    def parse(text: str) -> Number:
        """Parse a number, with 512 bits: `-1.5e3`, `1p4` (16), `Inf`. Raises NumberError."""
        return _parse(text)

    @staticmethod
    def of_float(value: float) -> Number:
        """Convert a float, which must not be NaN, exactly, with 53 bits."""
        if value in (inf, -inf) or (value == 0 and copysign(1, value) < 0):
            return Number(value, 53)
        return Number(_int_if_whole(Fraction(value)), 53)

    def equals(self, other: Number) -> bool:
        """Compare like HCL's `==`: fractions are equal if they print the same (0.1 with 53 bits and 0.1 with 512)."""
        left, right = self.value, other.value
        if isinstance(left, Fraction) and isinstance(right, Fraction) and self.precision != other.precision:
            return str(self) == str(other)
        return left == right

    def __lt__(self, other: Number) -> bool:
        return self.value < other.value

    def __le__(self, other: Number) -> bool:
        return self.value <= other.value

    def __gt__(self, other: Number) -> bool:
        return self.value > other.value

    def __ge__(self, other: Number) -> bool:
        return self.value >= other.value

    def __neg__(self) -> Number:
        if self.value == 0:
            return Number(0 if self.is_negative else -0.0, self.precision)
        return Number(-self.value, self.precision)

    def __abs__(self) -> Number:
        return -self if self.is_negative else self

    def __add__(self, other: Number) -> Number:
        left, right, precision = self.value, other.value, max(self.precision, other.precision)
        if type(left) is int and type(right) is int:
            return Number(_rounded(left + right, precision), precision)
        if left in (inf, -inf) or right in (inf, -inf):
            if left == -right:
                raise NumberError("opposite infinities cannot be added")
            return Number(left if left in (inf, -inf) else right, precision)
        if type(left) is float and type(right) is float:
            return Number(-0.0, precision)
        return Number(_rounded(_exact(left) + _exact(right), precision), precision)

    def __sub__(self, other: Number) -> Number:
        return self + -other

    def __mul__(self, other: Number) -> Number:
        """Multiply. The product has as many bits as it needs, up to 512, but at least as many as its operands."""
        precision = max(self.precision, other.precision)
        if self.value in (inf, -inf) or other.value in (inf, -inf):
            if self.value == 0 or other.value == 0:
                raise NumberError("zero cannot be multiplied by infinity")
            return Number(_signed(inf, self, other), precision)
        if self.value == 0 or other.value == 0:
            return Number(_signed(0, self, other), precision)
        product = _rounded(_exact(self.value) * _exact(other.value), _PRECISION)
        odd = abs(product if isinstance(product, int) else product.numerator)
        return Number(product, max(precision, (odd // (odd & -odd)).bit_length()))

    def __truediv__(self, other: Number) -> Number:
        """Divide. Division by zero gives infinity. Raises NumberError for 0 / 0 and infinity / infinity."""
        precision = max(self.precision, other.precision)
        if (self.is_infinite and other.is_infinite) or (self.value == 0 and other.value == 0):
            raise NumberError("zero by zero and infinity by infinity cannot be divided")
        if self.is_infinite or other.value == 0:
            return Number(_signed(inf, self, other), precision)
        if other.is_infinite or self.value == 0:
            return Number(_signed(0, self, other), precision)
        return Number(_rounded(Fraction(_exact(self.value)) / _exact(other.value), precision), precision)

    def __mod__(self, other: Number) -> Number:
        """Return the remainder of a division that is rounded towards zero; n % 0 is n."""
        if other.value == 0:
            return self
        if self.is_infinite or other.is_infinite:
            raise NumberError("infinity has no remainder")
        quotient = Number(_rounded(int((self / other).value), self.precision), self.precision)
        product = _rounded(_exact(other.value) * _exact(quotient.value), self.precision)
        rest = _rounded(_exact(self.value) - product, self.precision)
        return Number(-0.0 if rest == 0 and type(self.value) is float else rest, self.precision)

    @property
    def is_negative(self) -> bool:
        """Whether it is less than zero, or the negative zero."""
        return self.value < 0 or (type(self.value) is float and copysign(1, self.value) < 0)

    @property
    def is_infinite(self) -> bool:
        return self.value in (inf, -inf)

    def whole(self) -> int | None:
        """Convert to an int; None if the number has a fraction or is infinite."""
        if type(self.value) is int:
            return self.value
        return 0 if self.value == 0 else None

    def to_float(self) -> float:
        """Convert to the nearest float."""
        try:
            return float(self.value)
        except OverflowError:
            return -inf if self.value < 0 else inf

    def __str__(self) -> str:
        """Format as the shortest decimal, without an exponent, that parses to this number at its precision."""
        value = self.value
        if type(value) is int and value.bit_length() <= min(self.precision, 10_000):
            return str(value)
        if type(value) is float:
            return "+Inf" if value == inf else "-Inf" if value == -inf else "-0"
        exact = Fraction(value)
        digits, point = _shortest(abs(exact.numerator), 1 - exact.denominator.bit_length(), self.precision)
        whole, fraction = digits[:point] if point > 0 else "", digits[point:] if point > 0 else "0" * -point + digits
        sign = "-" if exact < 0 else ""
        return sign + (whole.ljust(point, "0") if point > 0 else "0") + ("." + fraction if fraction else "")


def _exact(value: Exact) -> int | Fraction:
    return 0 if isinstance(value, float) else value


def _int_if_whole(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _signed(value: float, left: Number, right: Number) -> Exact:
    """Return the value (zero or infinity) with the sign of the operands' product or quotient."""
    if left.is_negative != right.is_negative:
        return -0.0 if value == 0 else -inf
    return int(value) if value == 0 else inf


def _rounded(value: int | Fraction, precision: int) -> int | Fraction:
    """Round to this many bits, half to even. Raises NumberError for more than _MOST_BITS before or after the point."""
    if isinstance(value, int):
        if value.bit_length() <= precision:
            return value
        numerator, denominator = value, 1
    else:
        numerator, denominator = value.numerator, value.denominator
    size = abs(numerator).bit_length() - denominator.bit_length()
    if abs(size) > _MOST_BITS:
        raise NumberError("the number is too large" if size > 0 else "the number is too small")
    shift = size - precision
    quotient, rest, divisor = _divided(abs(numerator), denominator, shift)
    if quotient.bit_length() > precision:
        shift += 1
        quotient, rest, divisor = _divided(abs(numerator), denominator, shift)
    if 2 * rest > divisor or (2 * rest == divisor and quotient & 1):
        quotient += 1
    if numerator < 0:
        quotient = -quotient
    if shift >= 0:
        return quotient << shift
    return _int_if_whole(Fraction(quotient, 1 << -shift))


def _divided(numerator: int, denominator: int, shift: int) -> tuple[int, int, int]:
    """Divide numerator by denominator * 2**shift; return (quotient, rest, divisor)."""
    if shift < 0:
        return *divmod(numerator << -shift, denominator), denominator
    return *divmod(numerator, denominator << shift), denominator << shift


def _parse(text: str) -> Number:
    if text.isdigit() and text.isascii() and len(text) < 100:
        return Number(int(text))
    if text in _INFINITIES:
        return Number(_INFINITIES[text])
    if len(text) > _MOST_CHARACTERS:
        raise NumberError("a number is required")
    match = _SYNTAX.fullmatch(text)
    if match is None:
        raise NumberError("a number is required")
    sign, whole, fraction, bare, kind, exponent = match.groups()
    digits = bare or whole + fraction
    tens = -len(bare or fraction)
    twos = tens
    if kind:
        power = int(exponent[:12])
        twos += power
        tens += power if kind in "eE" else 0
    mantissa = int(Decimal(digits))
    if mantissa == 0:
        return Number(-0.0 if sign == "-" else 0)
    if abs(twos) + mantissa.bit_length() > _GO_BITS or len(exponent or "") > 12:
        raise NumberError("a number is required")
    size = mantissa.bit_length() + twos + tens * 2.321928
    if abs(size) > _GO_BITS:
        return Number((-inf if sign == "-" else inf) if size > 0 else -0.0 if sign == "-" else 0)
    if abs(size) > _MOST_BITS or abs(tens) > _MOST_BITS:
        raise NumberError("the number is too large" if size > 0 else "the number is too small")
    value = Fraction(mantissa) * _power_of_five(abs(tens)) ** (1 if tens > 0 else -1) * Fraction(2) ** twos
    rounded = _rounded(_int_if_whole(value), _PRECISION)
    return Number(-rounded if sign == "-" else rounded)


def _power_of_five(exponent: int) -> Fraction:
    """Compute 5**exponent like Go: with 576 bits, rounding every product."""
    precision = _PRECISION + 64
    if exponent * 2.321929 < precision:
        return Fraction(5**exponent)
    result: int | Fraction = 5**27
    factor: int | Fraction = 5
    left = exponent - 27
    while left:
        if left & 1:
            result = _rounded(result * factor, precision)
        left >>= 1
        if left:
            factor = _rounded(factor * factor, precision + 64)
    return Fraction(result)


def _shortest(mantissa: int, exponent: int, precision: int) -> tuple[str, int]:
    """Find the shortest decimal 0.digits * 10**point that rounds to mantissa * 2**exponent; return (digits, point).

    The algorithm is Go's (strconv's roundShortest): it adds digits until the decimal is between the midpoints to both
    neighbouring numbers.
    """
    shift = mantissa.bit_length() - (precision + 1)
    doubled = mantissa >> shift if shift > 0 else mantissa << -shift
    exponent += shift
    digits, point = _decimal(doubled, exponent)
    lower, upper = _decimal(doubled - 1, exponent)[0], _decimal(doubled + 1, exponent)[0]
    inclusive = doubled & 2 == 0
    for index, digit in enumerate(digits):
        below = lower[index] if index < len(lower) else "0"
        above = upper[index] if index < len(upper) else "0"
        down = below != digit or (inclusive and index + 1 == len(lower))
        up = digit != above and (inclusive or ord(digit) + 1 < ord(above) or index + 1 < len(upper))
        if down and up:
            up = _is_nearer_above(digits, index + 1)
        if up:
            return _rounded_up(digits[: index + 1], point)
        if down:
            return digits[: index + 1].rstrip("0"), point
    return digits, point


def _decimal(mantissa: int, exponent: int) -> tuple[str, int]:
    """Return all digits of mantissa * 2**exponent, without trailing zeros, and the position of the point."""
    # Decimal, because str of an int refuses more than 4,300 digits.
    digits = str(Decimal(mantissa << exponent if exponent >= 0 else mantissa * 5**-exponent))
    return digits.rstrip("0"), len(digits) + min(exponent, 0)


def _is_nearer_above(digits: str, count: int) -> bool:
    """Whether digits must be rounded up if they are cut to `count`; a tie goes to the even digit."""
    if count >= len(digits):
        return False
    if digits[count] == "5" and count + 1 == len(digits):
        return int(digits[count - 1]) % 2 == 1
    return digits[count] >= "5"


def _rounded_up(digits: str, point: int) -> tuple[str, int]:
    kept = digits.rstrip("9")
    if not kept:
        return "1", point + 1
    return kept[:-1] + chr(ord(kept[-1]) + 1), point
