# @summary All endpoints of a service, sorted by datacenter, address and port.
#
# Fails where the registry does not know the service or its version, or has no endpoint of it.
#
# @param service
#   The name of the service.
# @param version
#   Its version. Without one it is the service that has no version.
#
# @return [Array[Frostline::Endpoint, 1]]
#   The endpoints.
#
# @example The addresses of payments, version v1
#   $hosts = frostline::endpoints('payments', 'v1').map |$endpoint| { $endpoint['address'] }
function frostline::endpoints(
  String[1] $service,
  Optional[String[1]] $version = undef,
) >> Array[Frostline::Endpoint, 1] {
  frostline::called($service, $version)['endpoints']
}
