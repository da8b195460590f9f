# @summary All that the registry has of a service: each version with its endpoints, also those that are only declared.
#
# Fails where the registry does not know the service.
#
# @param service
#   The name of the service.
#
# @return [Shop_registry::Service]
#   Version -> entry.
#
# @example The versions of payments that can be called
#   $versions = shop_registry::service('payments').filter |$version, $entry| { $entry['url'] }.keys
function shop_registry::service(String[1] $service) >> Shop_registry::Service {
  shop_registry::found($service)
}
