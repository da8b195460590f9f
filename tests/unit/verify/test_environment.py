from __future__ import annotations

import pytest

from frostline.verify.environment import without_secrets

KEPT = {
    "PATH": "/usr/bin",
    "HOME": "/root",
    "PWD": "/srv",
    "OLDPWD": "/",
    "LANG": "C.UTF-8",
    "RUBYLIB": "/opt/puppet/lib",
    "JAVA_HOME": "/opt/java",
    "KEYMAP": "de",
    "MONKEY": "yes",
    "AUTHOR": "me",
    "PATTERN": "*.py",
    "BYPASS": "1",
    "HTTP_PROXY": "http://proxy.example:3128",
    "EMPTY": "",
}


def test_what_is_no_secret_is_passed_on() -> None:
    assert without_secrets(KEPT, ()) == KEPT


@pytest.mark.parametrize(
    "name",
    [
        *("CONSUL_HTTP_TOKEN", "CONSUL_HTTP_AUTH", "CONSUL_HTTP_ADDR", "CONSUL_CLIENT_KEY", "NOMAD_TOKEN"),
        *("NOMAD_CLIENT_KEY", "NOMAD_VAR_password", "VAULT_ADDR", "VAULT_TOKEN", "GITHUB_TOKEN", "CI_JOB_TOKEN"),
        *("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "PGPASSWORD", "MYSQL_PWD", "DB_PASS", "API_KEY", "apikey"),
        *("SSH_AUTH_SOCK", "GOOGLE_APPLICATION_CREDENTIALS", "GPG_PASSPHRASE", "AZURE_PAT", "SESSION_COOKIE"),
    ],
)
def test_names_that_speak_of_a_secret_are_left_out(name: str) -> None:
    assert without_secrets({**KEPT, name: "x"}, ()) == KEPT


@pytest.mark.parametrize(
    "value",
    [
        "postgres://shop:hunter2@db.example/shop",
        "http://:hunter2@proxy:3128",
        "-----BEGIN PRIVATE KEY-----\nMII",
        "x -----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_values_that_hold_a_password_or_a_private_key_are_left_out(value: str) -> None:
    assert without_secrets({**KEPT, "DATABASE_URL": value}, ()) == KEPT


def test_the_variables_of_tokens_are_left_out_and_copies_of_them() -> None:
    tokens = {"MINE": "0c1f7a6e-token", "SHORT": "1"}
    copies = {"COPY": " 0c1f7a6e-token ", "HEADER": "Bearer 0c1f7a6e-token"}
    assert without_secrets({**KEPT, **tokens, **copies}, ["MINE", "SHORT", "UNSET"]) == KEPT


@pytest.mark.parametrize("name", ["CONSUL_HTTP_TOKEN", "NOMAD_TOKEN", "VAULT_TOKEN", "CONSUL_HTTP_AUTH"])
def test_copies_of_a_server_s_token_are_left_out_where_no_source_names_its_variable(name: str) -> None:
    assert without_secrets({**KEPT, name: "0b2f-e54a", "X": "pre 0b2f-e54a"}, ()) == KEPT
