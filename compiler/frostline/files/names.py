"""Names of files: which ones some file system takes for the same, and which ones Windows cannot have."""

from __future__ import annotations

import re
import unicodedata

# Characters that HFS+ ignores when it compares names, as listed in git's is_hfs_dotgit() (CVE-2014-9390), and the other
# characters that Unicode says to ignore (Default_Ignorable_Code_Point).
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_SHORT_GIT = re.compile(r"git~[0-9]+")
"""The short names that NTFS and FAT give to `.git` (CVE-2014-9390)."""

_NOT_ON_WINDOWS = re.compile(
    r"(?:^|/)(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:[./]|$)"
    r"|[. ](?:/|$)|[<>:\"|?*\\\x00-\x1f]",
    re.IGNORECASE,
)
"""Device names with and without a suffix, trailing dots and spaces, and forbidden characters.

Source: Microsoft, "Naming Files, Paths, and Namespaces".
"""


def is_possible_on_windows(path: str) -> bool:
    """Whether Windows, and git on Windows, can have a file at this path (normalized, with slashes)."""
    return _NOT_ON_WINDOWS.search(path) is None


def folded(path: str) -> str:
    """Fold a path: paths that a case-insensitive or Unicode-normalizing file system takes for one become equal."""
    if path.isascii():
        return path.lower()
    text = unicodedata.normalize("NFD", _IGNORED.sub("", path))
    return unicodedata.normalize("NFC", text.casefold())


def is_git_folder(name: str) -> bool:
    """Whether some file system takes this name for `.git`.

    It may ignore case, certain characters, or dots and spaces at the end, or use a short name.
    """
    plain = folded(name).split(":", 1)[0].rstrip(". ")
    return plain == ".git" or _SHORT_GIT.fullmatch(plain) is not None
