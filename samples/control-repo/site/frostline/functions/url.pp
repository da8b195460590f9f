# @summary The URL of a service to use where one is wanted.
#
# Fails where the registry does not know the service or its version, or has no endpoint of it.
#
# @param service
#   The name of the service.
# @param version
#   Its version. Without one it is the service that has no version.
#
# @return [String[1]]
#   The URL.
#
# @example The URL of version v1 of payments
#   $url = frostline::url('payments', 'v1')
function frostline::url(String[1] $service, Optional[String[1]] $version = undef) >> String[1] {
  frostline::called($service, $version)['url']
}
