"""Clients that authenticate as each service wants it: the registry says how, this program's environment with what."""

import os

from app.registry import SyncDiscovery
from blacksmith import PathInfoField, Request, Response, SyncClientFactory, SyncHTTPAuthorizationMiddleware, register
from blacksmith.domain.registry import registry

SCHEMES = {
    "user-token": lambda: SyncHTTPAuthorizationMiddleware("Bearer", os.environ["USER_TOKEN"]),
    "sms-key": lambda: SyncHTTPAuthorizationMiddleware("Key", os.environ["SMS_KEY"]),
}

sd = SyncDiscovery()


class Ask(Request):
    name: str = PathInfoField()


class Answer(Response):
    seen: str


for client, service, version in (("users", "user", "v1"), ("sms", "sms", "v2"), ("news", "notif", "v1")):
    register(client, "people", service, version, path="/people/{name}", contract={"GET": (Ask, Answer)})


def client_of(name: str):
    """A client of blacksmith with the middleware for the authentication scheme of its service."""
    client = SyncClientFactory(sd, timeout=2.0)(name)
    service, _ = registry.get_service(name)
    scheme = sd.auth(*service)
    return client.add_middleware(SCHEMES[scheme]()) if scheme else client


if __name__ == "__main__":
    if missing := sd.check():
        raise SystemExit(f"not frozen: {', '.join(missing)}")
    for name in sorted(registry.client_service):
        client, (service, _) = client_of(name), registry.get_service(name)
        print(name, service, sd.auth(*service), *(type(middleware).__name__ for middleware in client.middlewares))
