# @summary A version of a service: its endpoints and the one URL to use, or that it is only declared.
#
# `url` is undef where there is no endpoint; then `declared` is true, and `tags`, `meta` and `port` are what a job file
# says of it. `sources` are the sources of frostline.yaml that the endpoints come from. `auth` names the scheme by which
# callers authenticate.
type Frostline::Entry = Struct[{
  url                => Optional[String[1]],
  endpoints          => Array[Frostline::Endpoint],
  Optional[sources]  => Array[String[1], 1],
  Optional[declared] => Boolean,
  Optional[tags]     => Array[String],
  Optional[meta]     => Hash[String, String],
  Optional[port]     => Optional[Integer[1, 65535]],
  Optional[auth]     => String[1],
}]
