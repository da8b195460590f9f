from __future__ import annotations

import copy
import pickle
import ssl
import subprocess
from pathlib import Path

import pytest
from consul_certificates import OLD_AUTHORITIES, intermediate_authority, old_authority, self_signed_of_version_1

from frostline.errors import UsageError
from frostline.model import FileOrigin
from frostline.settings import ServerSettings, Tls, Token
from frostline.sources.http.address import parse_address
from frostline.sources.http.credentials import Secret, exposure_warnings, make_tls_context, read_token

PLACE = FileOrigin("frostline.yaml", 3, 3)


def test_a_token_comes_from_the_environment_or_a_file(tmp_path: Path):
    assert read_token(None, {"CONSUL_HTTP_TOKEN": "x"}, PLACE) is None
    found = read_token(Token(env="T"), {"T": "abc"}, PLACE)
    assert found is not None
    assert found.reveal() == "abc"
    (tmp_path / "t").write_bytes(b"a b-c\r\n")
    found = read_token(Token(file=tmp_path / "t"), {}, PLACE)
    assert found is not None
    assert found.reveal() == "a b-c"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "`token` names $T, which is not set"),
        ({"T": ""}, "`token` names $T, which is empty"),
        ({"T": " \n"}, "`token` names $T, which is empty"),
    ],
)
def test_an_unset_or_empty_variable_is_a_usage_error(environment, said: str):
    with pytest.raises(UsageError) as caught:
        read_token(Token(env="T"), environment, PLACE)
    assert caught.value.message == said
    assert caught.value.origin == PLACE


@pytest.mark.parametrize("value", ["sec\nret", "sec\rret", "sec\0ret", "secrét", "sec\x7fret", "sec\udcffret"])
def test_a_token_that_no_header_can_hold_is_a_usage_error_that_does_not_show_it(value: str):
    with pytest.raises(UsageError) as caught:
        read_token(Token(env="T"), {"T": value}, PLACE)
    assert "sec" not in str(caught.value)


def test_a_file_without_a_token_is_a_usage_error(tmp_path: Path):
    (tmp_path / "empty").write_text("\n")
    for path, said in [
        ("empty", "is empty"),
        ("missing", "No such file"),
        (".", "Is a directory"),
        ("\0", "cannot be"),
    ]:
        with pytest.raises(UsageError, match=said):
            read_token(Token(file=tmp_path / path), {}, PLACE)


def test_a_secret_never_shows_itself():
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    for written in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            written(secret)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make cert.pem, key.pem, locked.pem (with a passphrase), other.pem (another key) and junk.pem."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    openssl("req", "-x509", *curve, "-nodes", "-subj", "/CN=x", "-keyout", "key.pem", "-out", "cert.pem")
    openssl("req", "-x509", *curve, "-nodes", "-subj", "/CN=y", "-keyout", "other.pem", "-out", "other-cert.pem")
    openssl("ec", "-in", "key.pem", "-aes128", "-passout", "pass:x", "-out", "locked.pem")
    (folder / "junk.pem").write_text("junk")
    return folder


def test_tls_settings_become_a_context(certificates: Path):
    context = make_tls_context(
        Tls(ca_file=certificates / "cert.pem", cert_file=certificates / "cert.pem", key_file=certificates / "key.pem"),
        PLACE,
    )
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1
    assert not make_tls_context(Tls(verify=False), PLACE).check_hostname


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"ca_file": "none.pem"}, "^tls.ca_file: .*none.pem cannot be read: No such file"),
        ({"cert_file": "none.pem"}, "^tls.cert_file: .*none.pem cannot be read"),
        ({"cert_file": "cert.pem", "key_file": "none.pem"}, "^tls.key_file: .*none.pem cannot be read"),
        ({"key_file": "key.pem"}, "^tls.key_file: the key has no certificate"),
        ({"ca_file": "junk.pem"}, "^tls.ca_file: .*junk.pem cannot be used"),
        ({"cert_file": "junk.pem"}, "^tls.cert_file.*junk.pem cannot be used"),
        ({"cert_file": "cert.pem", "key_file": "other.pem"}, "cannot be used: key values mismatch"),
        ({"cert_file": "cert.pem", "key_file": "locked.pem"}, "cannot be used"),
    ],
)
def test_a_missing_or_unfit_file_is_a_usage_error_that_names_the_key(certificates: Path, files, said: str):
    with pytest.raises(UsageError, match=said) as caught:
        make_tls_context(Tls(**{key: certificates / name for key, name in files.items()}), PLACE)
    assert caught.value.origin == PLACE
    assert caught.value.help


def shake_hands(folder: Path, client: ssl.SSLContext) -> None:
    """Shake hands in memory with a server that has server.pem of this folder. SSLError: the client refuses it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(5):
        for end in [*ends]:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
    assert not ends


@pytest.mark.parametrize("authority", OLD_AUTHORITIES)
def test_an_authority_that_newer_pythons_refuse_is_accepted(authority: str, tmp_path: Path):
    old_authority(tmp_path, OLD_AUTHORITIES[authority])
    shake_hands(tmp_path, make_tls_context(Tls(ca_file=tmp_path / "ca.pem"), PLACE))


def test_a_self_signed_certificate_of_version_1_is_accepted(tmp_path: Path):
    self_signed_of_version_1(tmp_path)
    shake_hands(tmp_path, make_tls_context(Tls(ca_file=tmp_path / "server.pem"), PLACE))


def test_an_intermediate_authority_is_trusted_without_its_root(tmp_path: Path):
    intermediate_authority(tmp_path)
    shake_hands(tmp_path, make_tls_context(Tls(ca_file=tmp_path / "intermediate.pem"), PLACE))


def test_an_unknown_authority_is_still_refused(tmp_path: Path):
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        old_authority(tmp_path / name, OLD_AUTHORITIES["not critical"])
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tmp_path / "theirs", make_tls_context(Tls(ca_file=tmp_path / "ours" / "ca.pem"), PLACE))


@pytest.mark.parametrize("name", ["keys.log", "missing/keys.log", ""])
def test_keys_of_tls_sessions_are_never_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificates: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / name))
    for tls in (Tls(), Tls(ca_file=certificates / "cert.pem"), Tls(verify=False)):
        assert make_tls_context(tls, PLACE).keylog_filename is None
    assert not list(tmp_path.iterdir())


def test_the_context_is_the_default_one_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    ours, theirs = make_tls_context(Tls(), PLACE), ssl.create_default_context()
    for name in ("verify_mode", "check_hostname", "options", "minimum_version", "protocol"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_ca_certs() == theirs.get_ca_certs()


@pytest.mark.parametrize(
    ("address", "token", "verify", "said"),
    [
        ("http://consul.example:8500", True, True, "source mesh: consul.example gets the token without TLS"),
        ("http://10.0.0.1", True, True, "10.0.0.1 gets the token without TLS"),
        ("http://[2001:db8::1]", True, False, "gets the token without TLS"),
        ("http://localhost.example", True, True, "gets the token without TLS"),
        ("http://127.0.0.1.example", True, True, "gets the token without TLS"),
        ("https://consul.example", True, False, "place gets the token and is trusted"),
        ("https://127.0.0.1", False, False, "whoever answers in its place is trusted"),
        ("http://consul.example", False, True, ""),
        ("https://consul.example", True, True, ""),
        ("http://127.0.0.1:8500", True, True, ""),
        ("http://127.9.9.9:8500", True, True, ""),
        ("http://[::1]:8500", True, True, ""),
        ("http://[::ffff:127.0.0.1]:8500", True, True, ""),
        ("http://localhost:8500", True, True, ""),
        ("http://LOCALHOST.:8500", True, True, ""),
        ("unix:///run/consul.sock", True, True, ""),
    ],
)
def test_a_token_that_others_can_read_is_a_warning(address: str, token: bool, verify: bool, said: str) -> None:
    settings = ServerSettings(
        name="mesh", type="consul", origin=PLACE, token=Token(env="T") if token else None, tls=Tls(verify=verify)
    )
    warnings = exposure_warnings(settings, parse_address(address, "address", PLACE))
    assert [said in warning for warning in warnings] == ([True] if said else [])
