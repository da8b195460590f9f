# @summary One URL of a version of a service, as the registry has it.
#
# `datacenter` is undef where a local source says none. `weight` is its share of calls, relative to the other endpoints
# of the version.
type Frostline::Endpoint = Struct[{
  url        => String[1],
  address    => String,
  port       => Integer[0, 65535],
  datacenter => Optional[String[1]],
  tags       => Array[String],
  meta       => Hash[String, String],
  weight     => Integer[0],
}]
