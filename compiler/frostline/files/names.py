"""Which paths are one and the same to some file systems."""

from __future__ import annotations

import re
import unicodedata

# What HFS+ leaves out of names when it compares them, as git's is_hfs_dotgit() has it (CVE-2014-9390), and the others
# that Unicode says are to be ignored (Default_Ignorable_Code_Point).
_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
_SHORT_GIT = re.compile(r"git~[0-9]+")
"""How NTFS and FAT also call `.git` (CVE-2014-9390)."""


_NOT_ON_WINDOWS = re.compile(
    r"(?:^|/)(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:[./]|$)"
    r"|[. ](?:/|$)|[<>:\"|?*\\\x00-\x1f]",
    re.IGNORECASE,
)
"""Microsoft, Naming Files, Paths, and Namespaces: devices with and without a suffix, ends, characters."""


def is_possible_on_windows(path: str) -> bool:
    """Whether Windows, and git there, can have a file of this path (with slashes, in its shortest form)."""
    return _NOT_ON_WINDOWS.search(path) is None


def folded(path: str) -> str:
    """The same text for all paths that a file system without case, or one that normalizes Unicode, takes for one."""
    if path.isascii():
        return path.lower()
    text = unicodedata.normalize("NFD", _IGNORED.sub("", path))
    return unicodedata.normalize("NFC", text.casefold())


def is_git_folder(name: str) -> bool:
    """Whether some file system takes this name for `.git`: by case, ignored characters, its end or its short name."""
    plain = folded(name).split(":", 1)[0].rstrip(". ")
    return plain == ".git" or _SHORT_GIT.fullmatch(plain) is not None
