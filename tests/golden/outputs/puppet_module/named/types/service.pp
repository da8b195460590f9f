# @summary A service: version -> entry. The one without a version is called `unversioned`.
type Shop_registry::Service = Hash[String[1], Shop_registry::Entry, 1]
