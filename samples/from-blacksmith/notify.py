"""Writes a mail to a user of the shop: asks `user` for the address, and `smtp` to deliver."""

import smtplib
from email.message import EmailMessage

from blacksmith import AsyncClientFactory, PathInfoField, Request, Response, register
from app.registry import AsyncDiscovery

sd = AsyncDiscovery()
clients = AsyncClientFactory(sd, timeout=2.0)


class Ask(Request):
    name: str = PathInfoField()


class User(Response):
    mail: str


register("users", "people", "user", "v1", path="/people/{name}", contract={"GET": (Ask, User)})


async def notify(name: str, text: str) -> str:
    """The address that the mail went to."""
    users = await clients("users")
    user = (await users.people.get(Ask(name=name))).unwrap()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@shop.example", user.mail, "News"
    message.set_content(text)
    server = await sd.resolve("smtp", None)
    with smtplib.SMTP(server.address, server.port, timeout=5) as smtp:
        smtp.send_message(message)
    return user.mail
