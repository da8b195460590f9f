job "payments" {
  group "api" {
    network {
      port "http" {}
    }

    service {
      name = "payments-v1"
      port = "http"
      meta {
        owner = "money"
      }
    }

    task "api" {
      driver = "docker"
    }
  }
}
