"""What `list`, `explain` and `graph` show: values computed from the registry; the command line makes text of them."""
