payments_port = 9101
