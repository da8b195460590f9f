"""`explain` knows a service by the name under which Consul or a job file has it, too, and as messages write it."""

from __future__ import annotations

from consul_agent import ConsulAgent
from project import Project, consul_config

JOB = """\
job "shop" {
  group "web" {
    service {
      name    = "basket-v2"
      address = "10.0.0.9"
      port    = "80"
    }
  }
}
"""


def test_a_registered_name_explains_its_service_with_and_without_a_network(project: Project, shop: ConsulAgent) -> None:
    config = consul_config(shop.address, precedence=["mesh", "jobs"])
    config["sources"]["jobs"] = {"type": "jobspec", "files": ["shop.nomad.hcl"]}
    project.configure(config).write("shop.nomad.hcl", JOB)
    project.done("compile")
    for more in ((), ("--offline",)):
        for name, service in (("payments-v1", "payments"), ("basket-v2", "basket"), ("payments/v1", "payments")):
            assert project.done("explain", name, *more).stdout == project.done("explain", service, *more).stdout
    ledger = project.done("explain", "ledger").stdout
    assert project.done("explain", "ledger/unversioned").stdout == ledger
    unknown = project.refused(1, "explain", "payments-v7").stderr
    assert "error: unknown service `payments-v7`\n  help: did you mean `payments`?" in unknown


def test_a_registered_name_is_explained_with_what_other_sources_have_of_its_service(
    project: Project, shop: ConsulAgent
) -> None:
    """The other source splits names in its own way: what it has of the service is read as well."""
    shop.catalog_register("n3", "payments", address="10.0.0.3", port=8080, meta={"version": "v1"})
    config = consul_config(shop.address, precedence=["other", "mesh"])
    mesh = config["sources"]["mesh"]
    config["sources"]["other"] = {**mesh, "version_from": {"meta": "version"}}
    config["sources"]["mesh"] = {**mesh, "select": {"services": ["*", "!payments"]}}
    project.configure(config)
    said = project.done("explain", "payments-v1").stdout
    assert "  * http://10.0.0.3:8080/v1  from other(" in said
    assert "source `other` precedes `mesh`" in said
