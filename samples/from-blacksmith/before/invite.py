"""Invites a user of the shop by mail: calls `user` through the router, and takes the address of `smtp` from Consul."""

import smtplib
from email.message import EmailMessage

from blacksmith import PathInfoField, Request, Response, SyncClientFactory, register
from blacksmith import SyncConsulDiscovery, SyncRouterDiscovery

sd, smtp_sd = SyncRouterDiscovery(), SyncConsulDiscovery()
clients = SyncClientFactory(sd, timeout=2.0)


class Ask(Request):
    name: str = PathInfoField()


class User(Response):
    mail: str


register("guests", "people", "user", "v1", path="/people/{name}", contract={"GET": (Ask, User)})


def invite(name: str) -> str:
    """The address that the invitation went to."""
    user = clients("guests").people.get(Ask(name=name)).unwrap()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@shop.example", user.mail, "Invitation"
    message.set_content("Come and see us.")
    server = smtp_sd.resolve("smtp", None)
    with smtplib.SMTP(server.address, server.port, timeout=5) as smtp:
        smtp.send_message(message)
    return user.mail
