"""`frostline-ci`: shows frostline's results on GitHub and GitLab, where people work. It starts frostline and git."""
