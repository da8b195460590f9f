"""Where services come from: live servers (consul) and local declarations (static, router)."""
