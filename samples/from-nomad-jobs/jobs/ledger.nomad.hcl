job "ledger" {
  group "db" {
    network {
      port "db" {
        static = 5432
      }
    }

    service {
      name    = "ledger-v3"
      port    = "db"
      address = "10.1.0.50"
    }

    service {
      name = "metrics"
      port = "9100"
    }

    task "db" {
      driver = "docker"
    }
  }
}
