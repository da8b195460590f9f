"""The table of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from frostline.hcl.functions.files import file_functions
from frostline.hcl.functions.table import function_table


def test_the_table_has_every_function_of_nomad() -> None:
    names = (
        "abs base64decode base64encode ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets "
        "coalesce coalescelist compact concat contains csvdecode distinct element flatten floor format "
        "formatdate formatlist indent index join jsondecode jsonencode keys length log lookup lower max md5 "
        "merge min parseint pow range regex_replace replace reverse setintersection setproduct setunion sha1 "
        "sha256 sha512 signum slice sort split strlen strrev substr timeadd title trim trimprefix trimspace "
        "trimsuffix upper urlencode uuidv5 values yamldecode yamlencode zipmap basename dirname file "
        "filebase64 fileexists fileset abspath bcrypt pathexpand rsadecrypt uuidv4 "
    )
    functions = {**function_table(), **file_functions(None, Path("/"), lambda _: None)}
    assert sorted(functions) == sorted(names.split())


def test_nomad_recorded_errors_for_functions_that_the_table_lacks(
    recorded_calls: Mapping[str, list[Any]], differences: Callable[[str], list[Any]]
) -> None:
    others = sorted(recorded_calls.keys() - function_table().keys() - {"basename"})
    assert others == ["can", "convert", "sum", "try"]
    assert [difference for name in others for difference in differences(name)] == []
