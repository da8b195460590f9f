job "[[ .name ]]" {
  datacenters = [[ .dcs | toJson ]]
  group "front" {
  }
}
