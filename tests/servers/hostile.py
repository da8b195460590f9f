"""Texts that a server may hold and that a later reader may misinterpret. No two are equal."""

from __future__ import annotations

import string

LONG = 65536
"""Characters. Consul 1.8.7 takes names, ids, nodes and addresses of 400,000 as well, and tags of 600,000."""

LONGEST_META_KEY = 128
"""Characters, of `A-Z a-z 0-9 _ -` only (structs.ValidateMetadata)."""

LONGEST_META_VALUE = 512
"""Bytes of UTF-8 (structs.ValidateMetadata)."""

_QUOTING = (
    '"', "'", "`", "''", '""', '"""', "'''", "\\", "\\\\", '\\"', "\\'", "\\n", "a\\", "\\x41", "\\u0041",
    "\\U0001F600", 'a"b', "a'b", "'; DROP TABLE services; --", '"; return 200; #', "'''\nimport os\n'''",
)  # fmt: skip

_LINES = (
    "a\nb", "\n", "a\n", "\na", "a\n\nb", "a\rb", "a\r\nb", "\r", "\t", "a\tb", "\ta", "a\t", "a\x0bb", "a\x0cb",
    "a\x1cb", "a\x1db", "a\x1eb", "\x85", "a\x85b", "\u2028", "a\u2028b", "a\u2029b", "a\n- b: c\n  d: [e",
    "key: value\n", "a\n...\nb", "a\n---\nb",
)  # fmt: skip

_BLANKS = (
    " ", "  ", " a", "a ", " a ", "a b", "a  b", "\xa0", "a\xa0b", "\u2003", "\u3000", "\ufeff", "\ufeffa",
    "a\u200bb", "\u200b", "\u200d", "\u2060", "\xad", "a\u180eb",
)  # fmt: skip

_CONTROLS = (
    "\0", "a\0b", "\x01", "a\x07b", "\x08", "\x1b[31mred\x1b[0m", "\x7f", "\x80", "\x9b31m", "a\x1bb\x7f", "\x1f",
)  # fmt: skip

_INTERPOLATED = (
    "%{facts}", "%{facts.os.family}", "a%{b}c", "%{literal('%')}{x}", "%{lookup('frostline::index')}", "%{", "%%{x}",
    "%%%{x}", "%{}", "%{::trusted}", "%{x", "%s", "%d%n", "%(x)s", "${HOME}", "$HOME", "${x", "$$", "$(id)", "`id`",
    "#{x}", "{{ digest }}", "{{", "}}", "{{{x}}}", "{% raw %}", "{% endraw %}", "{%", "{# x #}", "{#", "<%= 1 %>",
    "<%", "{x}", "{service}", "{meta[x]}", "{", "}", "{}", "[]", "{0}", "~{x}", "@{x}", "@host@", "&amp;", "&#65;",
    "<script>alert(1)</script>", "]]>", "<!--", "-->", "<?xml?>",
)  # fmt: skip

_WORDS = (
    "no", "No", "NO", "yes", "on", "Off", "y", "N", "true", "False", "TRUE", "null", "Null", "nil", "undef",
    "default", "None", "~", "nan", "NaN", ".nan", ".inf", "-.Inf", "Infinity", "None", "self", "class", "import",
    "lambda", "__proto__", "constructor", "__class__", "lookup_options", "format", "services", "unversione", "common",
    "index", "registry",
)  # fmt: skip

_NUMBERS = (
    "0", "-0", "1", "007", "0777", "0o777", "0x1F", "0b11", "1e3", "1E3", "1.", ".5", "1.0", "-1", "+1", "1,000",
    "1_000", "1:30", "190:20:30", "12e03", "9223372036854775808", "18446744073709551616", "2001-12-14",
    "2001-12-14t21:59:43.10-05:00", "10:00", "½", "٣", "１", "0.1.2",
)  # fmt: skip

_SIGNS = (
    "=", "<<", "- x", "-", "--", "---", "...", "? x", "?", ": x", ":", "a: b", "a:", ":sym", ":'sym'", "::sym", "# x",
    "#", "a #b", "!x", "!", "!!python/object:os.system", "!!python/object/apply:os.system ['id']",
    "!ruby/object:Object {}", "!!binary aGk=", "!!str x", "&a", "*a", "*", "@x", "`x", "%", "%%", "%YAML 1.1",
    "%TAG ! x", "|", "|-", ">", ">+", ", ", "[x]", "[", "]", "{a: b}", "a, b", "--- x", "--- ", "$", "$host", "$1",
    "^a$", ".*", "(?i)a", "a|b", "a&b", "a;b", "a=b", "<", ">>", "+", "//", "a,b", "\\d", "~payments",
    "=payments", "!*", "-payments", "--allow",
)  # fmt: skip

_PATHS = (
    ".", "..", "../..", "../../../../../../etc/passwd", "/etc/passwd", "/", "//", "a/b", "a//b", "a/", "/a", "a/../b",
    "a/./b", "./a", "..\\..\\a", "C:\\Windows", "a%2Fb", "%2e%2e", "%2F", "%00", "%zz", "%25", "a%20b", "a+b", ".git",
    ".hidden", "a.b", "a.b.c", "common.yaml", "registry.py", "CON", "nul.txt", "a.", "http://a/b?c=d#e",
    "file:///etc/passwd", "user:pass@host", "a?b", "a#b", "~root", "*?[a]", "frostline.lock", "[::1]:80", "unix:/x",
)  # fmt: skip

_CHARACTERS = (
    "é", "e\u0301", "ﬁ", "ß", "ẞ", "ı", "İ", "\u212a", "ſ", "ǅ", "Ω", "\u2126", "Å", "日本語", "한국어", "한", "ไทย",
    "עברית", "العربية", "a\u0300\u0301\u0302\u0303", "\u0301",
    "Z\u0351\u036b\u0343a\u0328\u035fl\u0321\u0353g\u0322\u0347o", "😀",
    "👩\u200d👩\u200d👧\u200d👦", "🏳\ufe0f\u200d🌈", "👍🏽", "\U0001f1e9\U0001f1ea", "\U00010000",
    "\U0010ffff", "\U000e0041", "\ufffd", "\ufffe", "\uffff", "\ue000",
    "\ufffc", "a\u034fb", "\u0600", "\u115f",
)  # fmt: skip

_DIRECTIONS = (
    "\u202eabc", "a\u202eb\u202cc", "\u202a\u202b\u202c\u202d", "\u2066a\u2069", "\u2067\u2068", "a\u200eb",
    "a\u200fb", "\u061c", "access\u202e\u2066 # admin\u2069\u2066",
)  # fmt: skip

PUNCTUATION = tuple(string.punctuation)
"""Every punctuation mark of ASCII."""

_EVERY_MARK = string.punctuation

_MARKS = (
    *(form.format(mark) for form in ("{}", "a{}b", "{}a", "a{}", "{0}{0}{0}") for mark in PUNCTUATION),
    *(_EVERY_MARK, _EVERY_MARK[::-1], f" {_EVERY_MARK} "),
)

_ALL = (_QUOTING, _LINES, _BLANKS, _CONTROLS, _INTERPOLATED, _WORDS, _NUMBERS, _SIGNS, _PATHS, _CHARACTERS)

TEXTS = tuple(dict.fromkeys(text for texts in (*_ALL, _DIRECTIONS, _MARKS) for text in texts))
"""All texts but the long ones. Each is shorter than LONGEST_META_VALUE.

Only one text begins with NUL, and no text equals the beginning of another before a NUL, because Consul 1.8.7 ends keys
of its indexes with NUL and confuses such nodes.
"""

_META_CHARACTERS = set(string.ascii_letters + string.digits + "_-")

META_KEYS = (*(text for text in TEXTS if set(text) <= _META_CHARACTERS), "k" * LONGEST_META_KEY)
"""Keys that Consul takes in a service's meta."""

LONG_TEXTS = ("n" * LONG, "😀%{x}'\"\\ \n\x01" * (LONG // 64))
"""Names, ids, tags and addresses of LONG characters; in the second, every character must be escaped somewhere."""
