"""formatdate and timeadd (cty, function/stdlib/datetime.go). Times are RFC 3339 texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.values import STRING, Value, string

_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([-+])(\d\d):(\d\d))", re.ASCII)
_DURATION = re.compile(r"([0-9]*+\.?+[0-9]*+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_MOST_DIGITS = 1000  # of one number in a duration
_MOST_SECONDS = Fraction(2**63 - 1, 10**9)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TOKEN = re.compile(r"'(?:[^']|'')*'|'|([A-Za-z])\1*|[^A-Za-z']+")


def _time(text: str, argument: int | None) -> datetime:
    match = _RFC3339.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        fields = [int(match[group]) for group in range(1, 7)]
        zone = UTC
        if match[8]:
            offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
            zone = timezone(-offset if match[8] == "-" else offset)
        return datetime(*fields, microsecond=int((match[7] or "0")[:6].ljust(6, "0")), tzinfo=zone)  # type: ignore[misc,arg-type]
    except ValueError:
        raise FunctionError(f"`{text}` is not a time such as 2024-01-31T12:00:00Z", argument) from None


def _timeadd(timestamp: Value, duration: Value) -> Value:
    moment = _time(timestamp.data, None)
    seconds = _seconds(duration.data)
    try:
        later = moment + timedelta(microseconds=int(seconds * 10**6 // 1))
    except OverflowError:
        raise FunctionError("the time is outside of the years 1 to 9999") from None
    return string(_text(later))


def _seconds(text: str) -> Fraction:
    """Parse a duration in Go's form as seconds: `1h30m`, `-1.5s`."""
    bare = text[1:] if text[:1] in ("+", "-") else text
    total = Fraction(0)
    position = 0
    while position < len(bare):
        match = _DURATION.match(bare, position)
        if match is None or match[1] in ("", ".") or len(match[1]) > _MOST_DIGITS:
            break
        total += Fraction(match[1] if match[1][-1] != "." else f"{match[1]}0") * _UNITS[match[2]]
        position = match.end()
    if bare == "0":
        return total
    if not bare or position < len(bare) or total > _MOST_SECONDS:
        raise FunctionError(f"`{text}` is not a duration such as 36h30m")
    return -total if text.startswith("-") else total


def _text(moment: datetime) -> str:
    """Format a time as in RFC 3339, to the second."""
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{_zone(moment, ':') if moment.utcoffset() else 'Z'}"


def _zone(moment: datetime, colon: str) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{colon}{abs(minutes) % 60:02d}"


def _formatdate(template: Value, timestamp: Value) -> Value:
    moment = _time(timestamp.data, 1)
    parts: list[str] = []
    for match in _TOKEN.finditer(template.data):
        part = match[0]
        if part.startswith("'"):
            if part == "'":
                raise FunctionError("a quoted text in the format has no end", 0)
            parts.append(part[1:-1].replace("''", "'") if part != "''" else "'")
        elif match[1]:
            parts.append(_field(part, moment))
        else:
            parts.append(part)
    return string("".join(parts))


def _field(token: str, moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    fields = {
        "YYYY": f"{moment.year:04d}",
        "YY": f"{moment.year % 100:02d}",
        "MMMM": _MONTHS[moment.month - 1],
        "MMM": _MONTHS[moment.month - 1][:3],
        "MM": f"{moment.month:02d}",
        "M": str(moment.month),
        "DD": f"{moment.day:02d}",
        "D": str(moment.day),
        "EEEE": _DAYS[moment.weekday()],
        "EEE": _DAYS[moment.weekday()][:3],
        "hh": f"{moment.hour:02d}",
        "h": str(moment.hour),
        "HH": f"{hour:02d}",
        "H": str(hour),
        "AA": "AM" if moment.hour < 12 else "PM",
        "aa": "am" if moment.hour < 12 else "pm",
        "mm": f"{moment.minute:02d}",
        "m": str(moment.minute),
        "ss": f"{moment.second:02d}",
        "s": str(moment.second),
        "ZZZZZ": _zone(moment, ":"),
        "ZZZZ": _zone(moment, ""),
        "ZZZ": _zone(moment, "") if moment.utcoffset() else "UTC",
        "Z": _zone(moment, ":") if moment.utcoffset() else "Z",
    }
    if token not in fields:
        raise FunctionError(f"the format has no `{token}`", 0)
    return fields[token]


FUNCTIONS: Mapping[str, Function] = {
    "formatdate": Function((Parameter("format", STRING), Parameter("time", STRING)), _formatdate),
    "timeadd": Function((Parameter("timestamp", STRING), Parameter("duration", STRING)), _timeadd),
}
