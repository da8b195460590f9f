"""Functions that read files. A source must allow them, and they read nothing outside one folder.

Paths are relative to the folder of the file that calls the function (go-cty-funcs, filesystem).
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from os.path import normpath
from pathlib import Path, PurePosixPath

from frostline.files.reading import read_regular, real_path
from frostline.hcl.functions.base import Function, FunctionError, Parameter, Spend
from frostline.hcl.functions.unreproducible import unknown_text
from frostline.hcl.sets import set_value
from frostline.hcl.values import STRING, Value, boolean, string
from frostline.regexes import Pattern

MOST_BYTES = 16 * 2**20
MOST_FILES = 100_000

_LONGEST_PATTERN = 4096

_PATH = Parameter("path", STRING)
_NAMES = ("abspath", "basename", "dirname", "file", "filebase64", "fileexists", "pathexpand")
_DISABLED = "filesystem function disabled: `filesystem: true` on the source allows it"


def file_functions(folder: Path | None, root: Path, read: Callable[[Path], None]) -> Mapping[str, Function]:
    """Return the functions by name.

    folder: relative paths start there; None if the source does not allow the functions, then every call fails.
    root: nothing outside it is read, even through `..` and symbolic links.
    read: called with the path of each file that is read.
    """
    if folder is None:
        table = {name: Function((_PATH,), _disabled) for name in _NAMES}
        return {**table, "fileset": Function((_PATH, Parameter("pattern", STRING)), _disabled)}
    files = _Files(folder, root, read)
    return {
        "abspath": Function((_PATH,), unknown_text),  # depends on the machine, like pathexpand
        "pathexpand": Function((_PATH,), unknown_text),
        "basename": Function((_PATH,), lambda path: string(PurePosixPath(path.data).name or _bare(path.data))),
        "dirname": Function((_PATH,), lambda path: string(_dirname(path.data))),
        "file": Function((_PATH,), files.text),
        "filebase64": Function((_PATH,), lambda path: string(b64encode(files.content(path.data)).decode())),
        "fileexists": Function((_PATH,), files.exists),
        "fileset": Function((_PATH, Parameter("pattern", STRING)), files.matching, counted=True),
    }


def _disabled(*_: Value) -> Value:
    raise FunctionError(_DISABLED)


def _dirname(path: str) -> str:
    """Return everything before the last slash, normalized."""
    return normpath(path.rpartition("/")[0] or ("/" if path.startswith("/") else "."))


def _bare(path: str) -> str:
    return "/" if path else "."


class _Files:
    def __init__(self, folder: Path, root: Path, read: Callable[[Path], None]) -> None:
        self._folder = folder
        self._root = root.resolve()
        self._read = read

    def _path(self, text: str) -> Path:
        """Return the path that the text names. Raises FunctionError if it is outside the root, or git's."""
        try:
            path = (self._folder / text).resolve()
        except (OSError, RuntimeError, ValueError):
            raise FunctionError(f"`{text}` is not a path", 0) from None
        if path != self._root and self._root not in path.parents:
            raise FunctionError(f"`{text}` is outside the root folder", 0)
        if self._is_in_git_folder(path):
            raise FunctionError(f"`{text}` is inside a .git folder, which may hold a token", 0)
        return path

    def _is_in_git_folder(self, path: Path) -> bool:
        """Whether the file is in a .git folder, where a configuration may hold a token. path: resolved."""
        return any(part.casefold() == ".git" for part in path.relative_to(self._root).parts)

    def content(self, text: str) -> bytes:
        path = self._path(text)
        try:
            data = read_regular(path, most=MOST_BYTES)
        except OSError as error:
            raise FunctionError(f"`{text}` cannot be read: {error.strerror}", 0) from None
        self._read(path)
        return data

    def text(self, path: Value) -> Value:
        try:
            return string(self.content(path.data).decode())
        except UnicodeDecodeError:
            raise FunctionError(f"`{path.data}` is not UTF-8", 0) from None

    def exists(self, path: Value) -> Value:
        file = self._path(path.data)
        if file.exists() and not file.is_file():
            raise FunctionError(f"`{path.data}` is not a file", 0)
        return boolean(file.is_file())

    def matching(self, spend: Spend, path: Value, pattern: Value) -> Value:
        """Return the files in a folder that match a glob (`*` in a name, `**` any folders, `{a,b}`), relative to it."""
        base = self._path(path.data)
        if len(pattern.data) > _LONGEST_PATTERN:
            raise FunctionError(f"the pattern has more than {_LONGEST_PATTERN} characters", 1)
        glob = _glob(pattern.data)
        files: list[Value] = []
        for folder, folders, names in os.walk(base):
            folders[:] = sorted(name for name in folders if name.casefold() != ".git")
            spend(len(names))
            for name in sorted(names):
                file = Path(folder, name)
                relative = file.relative_to(base).as_posix()
                if glob.search(relative, spend) and self._is_inside(file):
                    files.append(string(relative))
            if len(files) > MOST_FILES:
                raise FunctionError(f"more than {MOST_FILES} files match `{pattern.data}`")
        return set_value(STRING, files)

    def _is_inside(self, file: Path) -> bool:
        real = real_path(file)
        return self._root in real.parents and not self._is_in_git_folder(real) and real.is_file()


def _glob(pattern: str) -> Pattern:
    """Translate a pattern of Go's doublestar package to a regular expression for the whole text."""
    parts: list[str] = []
    position = 0
    depth = 0
    while position < len(pattern):
        rest = pattern[position:]
        if rest.startswith("**/"):
            parts.append("(?:[^/]+/)*")
            position += 3
        elif rest.startswith("**"):
            parts.append(".*")
            position += 2
        elif match := re.match(r"\[([!^]?)([^\]/]+)\]", rest):
            inside = match[2].replace("\\", "\\\\").replace("^", "\\^")
            parts.append(f"[{'^' if match[1] else ''}{inside}]")
            position += match.end()
        else:
            parts.append(_character(rest[0], depth))
            depth += {"{": 1, "}": -1}.get(rest[0], 0) if depth or rest[0] == "{" else 0
            position += 1
    try:
        return Pattern(rf"\A(?:{''.join(parts)}{')' * depth})\Z", re.DOTALL)
    except (re.error, RecursionError):
        raise FunctionError(f"`{pattern}` is not a pattern", 1) from None


def _character(char: str, depth: int) -> str:
    if char in "*?":
        return "[^/]*" if char == "*" else "[^/]"
    if char == "{":
        return "(?:"
    if depth and char in ",}":
        return "|" if char == "," else ")"
    return re.escape(char)
