"""Which texts can name an authentication scheme, and which are probably secrets."""

from __future__ import annotations

import pytest

from frostline.auth_names import fault_of_auth_name


@pytest.mark.parametrize("name", ["a", "hmac", "hmac-2", "sendgrid-key", "OAuth2.0_client", "1", "a" * 64, "v1.2-b_c"])
def test_a_valid_name_is_accepted(name: str) -> None:
    assert fault_of_auth_name(name) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Bearer abc",
        "-a",
        ".a",
        "_a",
        "a b",
        "a\n",
        "\na",
        "a\0",
        "hämac",
        "a/b",
        "a:b",
        "{{ a }}",
        "${A}",
        "%{a}",
        "'",
        '"',
        "a" * 65,
        "٣",
    ],
)
def test_an_invalid_name_is_refused(text: str) -> None:
    assert fault_of_auth_name(text) == "cannot be a name"


@pytest.mark.parametrize(
    "text",
    [
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "AKIAIOSFODNN7EXAMPLE",
        "d8f7a1c2-1111-2222-3333-444455556666",
        "token-D8F7A1C2-1111-2222-3333-444455556666",
        "d41d8cd98f00b204e9800998ecf8427e",
    ],
)
def test_a_text_that_looks_like_a_token_is_refused(text: str) -> None:
    assert fault_of_auth_name(text) == "looks like a token or a key"
