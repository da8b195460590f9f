job "store" {
  group "front" {
    service {
      name = "till"
      port = "80"
      connect {
        sidecar_service {
          proxy {
            upstreams {
              destination_name = "${NOMAD_JOB_NAME}-db"
              local_bind_port  = 5432
            }
          }
        }
      }
    }
  }
}
