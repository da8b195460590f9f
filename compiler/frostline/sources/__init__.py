"""Where services come from: live servers (consul, nomad) and local files (jobspec, static, router)."""
