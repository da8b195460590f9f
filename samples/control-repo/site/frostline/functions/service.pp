# @summary All that the registry has of a service: each version with its endpoints, also those that are only declared.
#
# Fails where the registry does not know the service.
#
# @param service
#   The name of the service.
#
# @return [Frostline::Service]
#   Version -> entry.
#
# @example The versions of payments that can be called
#   $versions = frostline::service('payments').filter |$version, $entry| { $entry['url'] }.keys
function frostline::service(String[1] $service) >> Frostline::Service {
  frostline::found($service)
}
