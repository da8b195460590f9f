job "store" {
  periodic {
    crons = ["0 0 * * *"]
  }
  group "front" {
    service {
      name = "${NOMAD_JOB_NAME}"
    }
    service {
      name = "${JOB}-nightly"
    }
  }
}
