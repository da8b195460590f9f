"""Reading files from disk, and writing them."""
