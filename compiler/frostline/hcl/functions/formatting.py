"""format and formatlist (cty, function/stdlib/format.go)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from msgspec import Struct

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.functions.characters import MOST_CHARACTERS, check_size, clusters, count
from frostline.hcl.functions.json_text import json_text
from frostline.hcl.number import Number
from frostline.hcl.values import BOOL, DYNAMIC, NUMBER, STRING, Type, Value, list_value, string

_VERB = re.compile(
    r"%(?:(?P<literal>%)|(?P<flags>[ +\-#0]*+)(?P<width>[0-9]++)?(?:\.(?P<precision>[0-9]*+))?"
    r"(?:\[(?P<index>[0-9]+)\])?(?P<mode>[A-Za-z]))"
)
_INTEGER = {"b": "b", "d": "d", "o": "o", "x": "x", "X": "X"}

_MOST_DIGITS = 1000
"""The limit of digits after the point: no number has more significant ones, and each digit takes time."""


class _Verb(Struct, frozen=True):
    """A verb such as `%-5.2f`. raw: its text. offset: in the template. width: -1 if it has none."""

    raw: str
    offset: int
    flags: str
    width: int
    precision: int | None
    mode: str

    def error(self, reason: str) -> FunctionError:
        return FunctionError(f"`{self.raw}` at {self.offset}: {reason}")


def _format(template: Value, *values: Value) -> Value:
    return string(formatted(template.data, values))


def formatted(template: str, values: Sequence[Value]) -> str:
    """Fill in the verbs of a template. Raises FunctionError for an unknown verb, and for too few or too many values."""
    parts: list[str] = []
    position = size = 0
    following = 1
    highest = 0
    while position < len(template):
        percent = template.find("%", position)
        if percent < 0:
            break
        parts.append(template[position:percent])
        match = _VERB.match(template, percent)
        if match is None:
            raise FunctionError(f"`{template[percent : percent + 10]}` at {percent} is not a verb")
        position = match.end()
        if match["literal"]:
            parts.append("%")
            continue
        verb = _Verb(
            match[0],
            percent,
            match["flags"],
            _size(match["width"], -1),
            None if match["precision"] is None else _size(match["precision"], 0),
            match["mode"],
        )
        index = _size(match["index"], following)
        if not 1 <= index <= len(values):
            raise verb.error(f"there is no value {index}, only {len(values)}")
        following, highest = index + 1, max(highest, index)
        parts.append(_filled(verb, values[index - 1]))
        size += len(parts[-1])
        check_size(size)
    parts.append(template[position:])
    if highest < len(values) and not (highest == 0 and not values):
        raise FunctionError(f"there are {len(values)} values, but only {highest} are used", highest + 1)
    return "".join(parts)


def _size(digits: str | None, missing: int) -> int:
    """Parse a width, precision or index. Raises FunctionError if it has more digits than any valid one."""
    if len(digits or "") > 9:
        check_size(MOST_CHARACTERS + 1)
    return int(digits) if digits else missing


def _filled(verb: _Verb, value: Value) -> str:
    check_size(max(verb.width, verb.precision or 0))
    if verb.mode == "v":
        return _padded(verb, _plain(verb, value))
    if value.data is None:
        raise verb.error("null cannot be formatted")
    match verb.mode:
        case "t":
            return "true" if _as(verb, value, BOOL).data else "false"
        case "s" | "q":
            text = _as(verb, value, STRING).data
            if verb.precision:
                text = "".join(clusters(text)[: verb.precision])
            return _padded(verb, text if verb.mode == "s" else json_text(string(text)))
        case mode if mode in _INTEGER:
            return _integer(verb, _as(verb, value, NUMBER).data)
        case "e" | "E" | "f" | "g" | "G":
            if (verb.precision or 0) > _MOST_DIGITS:
                raise verb.error(f"the precision is at most {_MOST_DIGITS}")
            return _float(verb, _as(verb, value, NUMBER).data)
        case _:
            raise verb.error("there is no such verb")


def _as(verb: _Verb, value: Value, type: Type) -> Value:
    try:
        return convert(value, type)
    except ConversionError as error:
        raise verb.error(str(error)) from None


def _plain(verb: _Verb, value: Value) -> str:
    if "#" not in verb.flags and value.data is not None:
        if value.type.kind == "string":
            return str(value.data)
        if value.type.kind == "number":
            return _shortest(value.data, "e")
    return json_text(value)


def _padded(verb: _Verb, text: str) -> str:
    missing = verb.width - count(text)
    if missing <= 0:
        return text
    pads = ("0" if "0" in verb.flags else " ") * missing
    return text + pads if "-" in verb.flags else pads + text


def _integer(verb: _Verb, exact: Number) -> str:
    amount = exact.whole()
    if amount is None:
        raise verb.error("a whole number is needed")
    digits = str(Decimal(abs(amount))) if verb.mode == "d" else format(abs(amount), _INTEGER[verb.mode])
    if verb.precision is not None:
        digits = digits.rjust(verb.precision, "0") if amount or verb.precision else ""
    if "#" in verb.flags and verb.mode in "boxX":
        digits = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}[verb.mode] + digits
    return _signed(verb, amount < 0, digits, zeros=verb.precision is None)


def _float(verb: _Verb, exact: Number) -> str:
    if exact.is_infinite:
        return _signed(verb, exact.is_negative, "Inf", zeros=False, always="+" if not exact.is_negative else "")
    fraction = abs(Fraction(exact.value))
    mode = verb.mode.lower()
    if mode == "g":
        digits = _shortest(abs(exact), verb.mode, verb.precision)
    else:
        digits = _rounded(fraction, 6 if verb.precision is None else verb.precision, verb.mode)
    return _signed(verb, exact.is_negative, digits, zeros=True)


def _decimal(fraction: Fraction, digits: int) -> Decimal:
    """Round to this many significant digits."""
    context = Context(prec=max(digits, 1), rounding=ROUND_HALF_EVEN, Emax=10**9, Emin=-(10**9))
    return context.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))


def _rounded(fraction: Fraction, places: int, mode: str) -> str:
    if mode == "f":
        scaled = fraction * 10**places
        number = round(scaled)  # half to even, exactly
        text = str(Decimal(number)).rjust(places + 1, "0")  # str of an int refuses 4,300 digits
        return f"{text[:-places]}.{text[-places:]}" if places else text
    return _exponent(_decimal(fraction, places + 1), places, mode)


def _exponent(value: Decimal, places: int, mode: str) -> str:
    _, digits, _ = value.as_tuple()
    text = "".join(map(str, digits)).ljust(places + 1, "0")
    power = value.adjusted() if value else 0
    mantissa = text[0] + (f".{text[1 : places + 1]}" if places else "")
    return f"{mantissa}{mode}{'-' if power < 0 else '+'}{abs(power):02d}"


def _shortest(exact: Number, mode: str, precision: int | None = None) -> str:
    """Format like %g: with as few digits as possible, or with `precision` significant ones.

    It has an exponent if that is below -4, or not below the number of digits (6 by default).
    """
    if exact.is_infinite:
        return "-Inf" if exact.is_negative else "+Inf"
    sign = "-" if exact.is_negative else ""
    if precision is None:
        text = str(abs(exact))
        point = text.find(".")
        digits = text.replace(".", "").lstrip("0").rstrip("0") or "0"
        whole = text[:point] if point >= 0 else text
        places = text[point + 1 :]
        power = len(whole) - 1 if whole.strip("0") else len(places.lstrip("0")) - len(places) - 1
        if digits == "0":
            power = 0
        most = 6
    else:
        wanted = precision or 1
        value = _decimal(abs(Fraction(exact.value)), wanted)
        power = value.adjusted() if value else 0
        digits = "".join(map(str, value.as_tuple().digits)).rstrip("0") or "0"
        most = len(digits) if wanted > len(digits) > power else wanted
    exponent = "E" if mode in "EG" else "e"
    if power < -4 or power >= most:
        mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        return f"{sign}{mantissa}{exponent}{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    digits = digits.ljust(power + 1, "0")
    return sign + digits[: power + 1] + (f".{digits[power + 1 :]}" if digits[power + 1 :] else "")


def _signed(verb: _Verb, negative: bool, digits: str, *, zeros: bool, always: str = "") -> str:
    sign = "-" if negative else "+" if "+" in verb.flags else " " if " " in verb.flags else always
    missing = verb.width - len(sign) - len(digits)
    if missing <= 0:
        return sign + digits
    if "-" in verb.flags:
        return sign + digits + " " * missing
    if "0" in verb.flags and zeros:
        return sign + "0" * missing + digits
    return " " * missing + sign + digits


def _formatlist(template: Value, *values: Value) -> Value:
    lengths = {len(value.data) for value in values if _is_list(value)}
    if len(lengths) > 1:
        lists = [index for index, value in enumerate(values) if _is_list(value)]
        index = next(index for index in lists if len(values[index].data) != len(values[lists[0]].data))
        raise FunctionError("the lists have different lengths", index + 1)
    if not lengths:
        return list_value(STRING, [_format(template, *values)])
    rows = ([value.data[index] if _is_list(value) else value for value in values] for index in range(lengths.pop()))
    return list_value(STRING, [_format(template, *row) for row in rows])


def _is_list(value: Value) -> bool:
    return value.data is not None and value.type.kind in ("list", "set", "tuple")


FUNCTIONS: Mapping[str, Function] = {
    "format": Function((Parameter("format", STRING),), _format, Parameter("args", DYNAMIC, null=True)),
    "formatlist": Function((Parameter("format", STRING),), _formatlist, Parameter("args", DYNAMIC, null=True)),
}
