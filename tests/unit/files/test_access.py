"""What replaces a file may be read and written by those who might before."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from frostline.files import access
from frostline.publish.single_file import replace_file

_OWNER, _USER, _GROUP, _MASK, _OTHER = 1, 2, 4, 16, 32
_NOBODY = 0xFFFFFFFF
ONE_USER = ((_OWNER, 6, _NOBODY), (_USER, 6, 4321), (_GROUP, 0, _NOBODY), (_MASK, 6, _NOBODY), (_OTHER, 0, _NOBODY))
"""The list of acl(5), as the kernel has it, of `setfacl -m u:4321:rw` on a file of mode 0600."""


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    path = tmp_path / "services.yaml"
    path.write_bytes(b"old")
    path.chmod(0o600)
    try:
        os.setxattr(path, access._ACL, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *line) for line in ONE_USER))
    except OSError:
        pytest.skip("no access control lists here")
    return path


def test_a_user_of_the_list_keeps_access_and_the_group_gets_none(shared: Path) -> None:
    before = os.getxattr(shared, access._ACL)
    replace_file(shared, [b"new"])
    assert shared.read_bytes() == b"new"
    assert os.getxattr(shared, access._ACL) == before


def test_where_lists_are_unknown_the_mode_is_kept(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getxattr")
    monkeypatch.delattr(os, "setxattr")
    shared.chmod(0o640)
    replace_file(shared, [b"new"])
    assert shared.stat().st_mode & 0o777 == 0o640
