"""Calls `billing` by its name, in two ways. Its address stands in the compiled registry, app/registry.py."""

from json import load
from urllib.request import urlopen

from app.registry import ENDPOINTS, url
from blacksmith import PathInfoField, Request, Response, SyncClientFactory, SyncStaticDiscovery, register

# With the standard library: url() gives the address.
with urlopen(f"{url('billing')}/invoices/42") as answer:
    print("url():     ", load(answer)["total"])


# With blacksmith: its static discovery takes ENDPOINTS as it is.
class InvoiceRequest(Request):
    number: int = PathInfoField()


class Invoice(Response):
    total: str


register("billing", "invoices", "billing", None, "/invoices/{number}", contract={"GET": (InvoiceRequest, Invoice)})
billing = SyncClientFactory(SyncStaticDiscovery(ENDPOINTS))("billing")
print("blacksmith:", billing.invoices.get(InvoiceRequest(number=42)).unwrap().total)
