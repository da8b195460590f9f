"""What live sources do alike: their connection, the part of their settings that shapes the answer, `partial`."""

from __future__ import annotations

import os
from typing import Any

from frostline.errors import SourceError, UsageError
from frostline.settings import LiveSettings, ServerSettings, Tls
from frostline.sources.http.access import Address, secret_of, tls_context
from frostline.sources.http.transport import StatusError, Transport, UnreachableError


def transport_of(settings: ServerSettings, address: Address, token_header: str) -> Transport:
    """The connections that the settings ask for. UsageError: TLS without https, a missing token or file."""
    place = settings.origin
    if address.scheme != "https" and settings.tls != Tls():
        raise UsageError(
            f"source {settings.name}: `tls` is set, and the address has no TLS", origin=place, help="write https://…"
        )
    return Transport(
        settings.name,
        place,
        address,
        settings.limits,
        tls=tls_context(settings.tls, place) if address.scheme == "https" else None,
        server_name=settings.tls.server_name,
        secret=secret_of(settings.token, os.environ, place),
        token_header=token_header,
    )


def selection_shape(settings: LiveSettings) -> dict[str, Any]:
    """What of selection and naming shapes the answer, as JSON values: not the naming patterns."""
    select, keep, version = settings.select, settings.keep, settings.naming.version_from
    return {
        "select": {
            "services": list(select.services),
            "tags": sorted(select.tags),
            "meta": dict(sorted(select.meta.items())),
            "health": sorted(select.health),
            "kinds": sorted(select.kinds),
        },
        "keep": {"tags": list(keep.tags), "meta": list(keep.meta)},
        "address_from": settings.address_from,
        "version_from": {"meta": version.meta, "tag": version.tag},
    }


def is_unreachable(error: SourceError) -> bool:
    """Whether a segment did not answer; a refusal or a malformed answer is none of that."""
    return isinstance(error, UnreachableError) or (isinstance(error, StatusError) and error.code >= 500)


def kept(name: str) -> str:
    """What becomes of a segment that did not answer, for a warning."""
    return f"{name} keeps what the lock has (`partial: true`)"
