job "store" {
  group "front" {
    network {
      port "http" {
        static = 8080
      }
    }
    service {
      name = "till"
      port = "${NOMAD_PORT_http}"
    }
  }
}
