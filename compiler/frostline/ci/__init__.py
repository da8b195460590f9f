"""`frostline-ci`: puts what the command says where people work on GitHub and GitLab. It starts frostline and git."""
