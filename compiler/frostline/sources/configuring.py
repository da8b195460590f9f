"""The sources of a configuration as settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from frostline.config.cursor import (
    Cursor,
    as_is,
    duration,
    globs,
    integer,
    pattern_parts,
    positive_duration,
    tag_regex,
    text_map,
    texts,
    version_pattern,
)
from frostline.config.paths import path_reader
from frostline.config.urls import (
    live_url,
    router_url,
    server_address,
    static_url,
    unversioned_live_url,
    unversioned_router_url,
)
from frostline.globs import is_literal
from frostline.model import FileOrigin, Key
from frostline.patterns import Placeholder
from frostline.settings import (
    ConsulSettings,
    JobspecSettings,
    Keep,
    LiveLimits,
    Naming,
    NomadSettings,
    PluginSettings,
    RouterName,
    RouterSettings,
    Select,
    SourceSettings,
    StaticService,
    StaticSettings,
    Tls,
    Token,
    VersionFrom,
)
from frostline.sources.base import is_live, source_types
from frostline.text import closest, list_names, quote


def sources_of(at: Cursor, folder: Path, root: Path) -> dict[str, SourceSettings]:
    """Name -> settings, in the order written."""
    built = {entry.key: _source(entry, folder, root, at.value) for entry in at.entries()}
    return {name: settings for name, settings in built.items() if settings is not None}


def known_type(at: Cursor, types: tuple[str, ...], what: str) -> str | None:
    """The `type` of this source or output, where there is one of that name."""
    kind = at.get("type")
    if kind is None or kind.value in types:
        return kind.value if kind else None
    near = closest(kind.value, types)
    kind.refuse(
        f"unknown type of {what}: {quote(kind.value)}",
        f"did you mean `{near}`?" if near else f"the types are {list_names(types)}",
    )
    return None


def source_names(at: Cursor, names: Mapping[str, object]) -> tuple[str, ...]:
    """A list of names of sources, each once."""
    found: list[str] = []
    for item in at.items():
        if is_source(item, names):
            if item.value in found:
                item.refuse(f"the source {quote(item.value)} is listed twice", "keep one of them")
            found.append(item.value)
    return tuple(found)


def is_source(at: Cursor, names: Mapping[str, object]) -> bool:
    """Whether this is the name of a source of this configuration."""
    if at.value in names:
        return True
    near = closest(at.value, names)
    at.refuse(
        f"there is no source {quote(at.value)}",
        f"did you mean `{near}`?" if near else f"the sources are {list_names(names)}",
    )
    return False


def _source(at: Cursor, folder: Path, root: Path, siblings: Mapping[str, object]) -> SourceSettings | None:
    match known_type(at, source_types(), "source"):
        case None:
            return None
        case "consul":
            return _consul(at, folder)
        case "nomad":
            return _nomad(at, folder)
        case "jobspec":
            return _jobspec(at, folder, root)
        case "static":
            return _static(at)
        case "router":
            return _router(at, siblings)
        case kind:
            return _plug_in(at, kind)


def _consul(at: Cursor, folder: Path) -> ConsulSettings:
    present = at.present(
        **_server(folder),
        datacenters=texts,
        namespace=as_is,
        partition=as_is,
        peers=texts,
        acl=as_is,
        address_from=as_is,
    )
    _check_scope(at)
    return ConsulSettings(name=at.key, origin=at.key_origin, naming=_naming(at), limits=_limits(at), **present)


def _nomad(at: Cursor, folder: Path) -> NomadSettings:
    present = at.present(
        **_server(folder), regions=texts, namespaces=texts, services=as_is, upstreams=as_is, canaries=as_is
    )
    return NomadSettings(name=at.key, origin=at.key_origin, naming=_naming(at), limits=_limits(at), **present)


def _server(folder: Path) -> dict[str, Callable[[Cursor], Any]]:
    """The readers of the keys that all sources with a server have, but for the limits and the naming."""
    return {
        "address": server_address,
        "token": lambda token: Token(**token.present(env=as_is, file=path_reader(folder))),
        "tls": lambda tls: Tls(
            **tls.present(
                ca_file=path_reader(folder),
                cert_file=path_reader(folder),
                key_file=path_reader(folder),
                server_name=as_is,
                verify=as_is,
            )
        ),
        "partial": as_is,
        "consistency": as_is,
        "max_stale": duration,
        "select": _select,
        "keep": _keep,
    }


def _limits(at: Cursor) -> LiveLimits:
    return LiveLimits(
        **at.present(
            connections=integer,
            connect_timeout=positive_duration,
            timeout=positive_duration,
            deadline=positive_duration,
            retries=integer,
        )
    )


def _jobspec(at: Cursor, folder: Path, root: Path) -> JobspecSettings:
    present = at.present(
        files=texts,
        var_files=lambda files: tuple(path_reader(folder)(item) for item in files.items()),
        environment=texts,
        filesystem=as_is,
        keep=_keep,
    )
    if (select := at.get("select")) and (services := select.get("services")):
        present["services"] = globs(services)
    files, variables = at.get("files"), at.get("variables")
    return JobspecSettings(
        name=at.key,
        origin=at.key_origin,
        folder=folder,
        root=root,
        files_origin=files.origin if files else at.key_origin,
        variables=variables.value if variables else {},
        places={entry.key: entry.origin for entry in variables.entries()} if variables else {},
        naming=_naming(at),
        **present,
    )


def _plug_in(at: Cursor, kind: str) -> PluginSettings:
    settings = PluginSettings(
        name=at.key,
        type=kind,
        origin=at.key_origin,
        options={key: value for key, value in at.value.items() if key != "type"},
    )
    if not is_live(kind):
        return settings
    return replace(settings, naming=_naming(at), **at.present(select=_select, keep=_keep, address_from=as_is))


def _select(at: Cursor) -> Select:
    return Select(**at.present(services=globs, tags=texts, meta=text_map, health=texts, kinds=texts))


def _keep(at: Cursor) -> Keep:
    return Keep(**at.present(tags=globs, meta=globs))


def _check_scope(at: Cursor) -> None:
    """`acl: scoped` asks for each service by its name."""
    acl, select = at.get("acl"), at.get("select")
    if acl is None or acl.value != "scoped":
        return
    services = select.get("services") if select else None
    if services is None:
        acl.refuse(
            "`acl: scoped` needs literal names in `select.services`", "list the services that the token may read"
        )
        return
    for item in services.items():
        if not is_literal(item.value):
            item.refuse("with `acl: scoped` each service is named, without globs", "write the service's name")


def _naming(at: Cursor) -> Naming:
    fields = at.present(
        naming=_patterns,
        version_pattern=version_pattern,
        version_from=_version_from,
        url=live_url,
        unversioned_url=unversioned_live_url,
    )
    if "naming" in fields:
        fields["patterns"] = fields.pop("naming")
    return Naming(**fields)


def _version_from(at: Cursor) -> VersionFrom:
    return VersionFrom() if isinstance(at.value, str) else VersionFrom(**at.present(meta=as_is, tag=tag_regex))


def _patterns(at: Cursor) -> tuple[str, ...]:
    return tuple(item.value for item in at.items() if _is_naming(item))


def _is_naming(at: Cursor) -> bool:
    parts = pattern_parts(at, {"service": False, "version": False})
    if parts is None:
        return False
    for name, least in (("service", 1), ("version", 0)):
        number = parts.count(Placeholder(name))
        if number < least:
            at.refuse(f"a naming pattern needs {{{name}}}", "write {service}-{version} or {service}")
            return False
        if number > 1:
            at.refuse(f"a naming pattern has {{{name}}} once", "a name is split into one service and one version")
            return False
    return True


def _static(at: Cursor) -> StaticSettings:
    services = at.get("services")
    found = [found for entry in (services.entries() if services else []) for found in _static_service(entry)]
    return StaticSettings(name=at.key, origin=at.key_origin, services=tuple(found))


def _static_service(at: Cursor) -> list[StaticService]:
    if not isinstance(at.value, dict):
        return _static_urls(at, at.key, None)
    return [found for entry in at.entries() for found in _static_urls(entry, at.key, entry.key)]


def _static_urls(at: Cursor, service: str, version: str | None) -> list[StaticService]:
    """One for each URL."""
    urls = [at] if isinstance(at.value, str) else at.items()
    return [
        StaticService(service=service, version=version, url=url, origin=item.origin)
        for item in urls
        if (url := static_url(item)) is not None
    ]


def _router(at: Cursor, siblings: Mapping[str, object]) -> RouterSettings:
    fields = at.present(url=router_url, unversioned_url=unversioned_router_url)
    if services := at.get("services"):
        if sources := services.get("from"):
            fields["sources"] = _router_sources(sources, siblings)
        if names := services.get("names"):
            fields["names"] = _router_names(names)
    return RouterSettings(name=at.key, origin=at.key_origin, **({"url": ""} | fields))


def _router_sources(at: Cursor, siblings: Mapping[str, object]) -> tuple[str, ...]:
    for item in at.items():
        sibling = siblings.get(item.value)
        if isinstance(sibling, dict) and sibling.get("type") == "router":
            item.refuse(f"the source {quote(item.value)} is a router", "name the sources that stand behind it")
    return source_names(at, siblings)


def _router_names(at: Cursor) -> tuple[RouterName, ...]:
    found: dict[Key, FileOrigin] = {}
    for item in at.items():
        key = _key(item)
        if key is None:
            item.refuse("a name without a service or a version", "write SERVICE/VERSION or SERVICE")
        elif key in found:
            item.refuse(f"the name {quote(item.value)} is listed twice", "keep one of them")
        else:
            found[key] = item.origin
    return tuple(RouterName(key=key, origin=place) for key, place in found.items())


def _key(at: Cursor) -> Key | None:
    """`a/b/v1` as Key("a/b", "v1")."""
    service, slash, version = at.value.rpartition("/")
    if not slash:
        return Key(at.value, None)
    return Key(service, version) if service and version else None
