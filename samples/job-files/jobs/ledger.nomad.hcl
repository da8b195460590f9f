# The ledger runs on one machine that everybody knows: its address and port are literal, so it is an endpoint.
job "ledger" {
  datacenters = ["dc1"]

  group "db" {
    network {
      port "db" {
        static = 5432
      }
    }

    service {
      name    = "ledger-v3"
      address = "10.1.0.50"
      port    = "db"
      tags    = ["sql"]
      weights {
        passing = 10
      }
    }

    task "db" {
      driver = "docker"
      config {
        image = "registry.example/ledger:3"
        ports = ["db"]
      }
      template {
        destination = "local/banner.txt"
        data        = <<-EOT
          ledger on $${NOMAD_ADDR_db}
        EOT
      }
    }
  }
}
