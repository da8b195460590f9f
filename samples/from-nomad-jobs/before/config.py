"""Where shop calls: kept by hand, once for each environment."""

PAYMENTS_URL = "http://127.0.0.1:9101/v1"
LEDGER_URL = "http://10.1.0.50:5432/v3"
