"""What `list`, `explain` and `graph` show: values computed from the registry. The command line turns them into text."""
