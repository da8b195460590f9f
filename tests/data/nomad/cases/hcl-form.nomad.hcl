{"job": {"store": {"group": {"front": {"service": {"name": "till", "port": "80"}, "task": {"app": {"driver": "docker"}}}}}}}
