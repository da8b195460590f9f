job "store" {
  meta {
    tier = "gold"
  }
  group "front" {
    service {
      name = "till-${NOMAD_META_tier}"
    }
  }
}
