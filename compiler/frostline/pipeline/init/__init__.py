"""`frostline init`: what there is to start from, and the files that it writes."""
