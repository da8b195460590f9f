"""Numbers as cty has them: binary floating point of up to 512 bits, rounded to even (Go's big.Float).

TODO of the evaluator's author: arithmetic. This is the seam.
"""

from __future__ import annotations

from fractions import Fraction


class Number:
    """A number of any size. value: exact, a dyadic rational; precision: bits of its mantissa (64, 53 or 512)."""

    __slots__ = ("precision", "value")

    def __init__(self, value: int | Fraction, precision: int = 512) -> None:
        self.value = value
        self.precision = precision

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)
