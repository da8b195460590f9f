# @summary A service: version -> entry. The one without a version is called `unversioned`.
type Frostline::Service = Hash[String[1], Frostline::Entry, 1]
