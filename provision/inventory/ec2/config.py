"""What a file with ``plugin: aws_ec2`` says, checked before AWS is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from provision.aws import Access
from provision.errors import Location
from provision.inventory.constructed import KEYS as CONSTRUCTED
from provision.inventory.constructed import Constructed
from provision.inventory.ec2.cache import CacheSettings
from provision.inventory.ec2.connect import Connect
from provision.inventory.ec2.names import HostNames
from provision.inventory.keyed import safe_group_name
from provision.inventory.options import Options
from provision.source import LocatedMapping, plain

Filters = Mapping[str, tuple[str, ...]]

_ALIASES = {
    "aws_access_key": "access_key",
    "aws_access_key_id": "access_key",
    "aws_secret_key": "secret_key",
    "aws_secret_access_key": "secret_key",
    "aws_session_token": "session_token",
    "aws_profile": "profile",
    "aws_endpoint_url": "endpoint_url",
    "iam_role_arn": "assume_role_arn",
    "aws_region": "region",
}
_ACCESS = {
    "access_key",
    "assume_role_arn",
    "aws_ca_bundle",
    "endpoint_url",
    "profile",
    "secret_key",
    "session_token",
}
_CACHE = {"cache", "cache_connection", "cache_plugin", "cache_prefix", "cache_timeout"}
_OWN = {
    "allow_duplicated_hosts",
    "connect",
    "exclude_filters",
    "filters",
    "hostnames",
    "hostvars_prefix",
    "hostvars_suffix",
    "include_filters",
    "plugin",
    "region",
    "regions",
    "strict_permissions",
    "use_contrib_script_compatible_ec2_tag_keys",
    "use_contrib_script_compatible_sanitization",
}
KNOWN = frozenset(_OWN | _ACCESS | _CACHE | CONSTRUCTED | set(_ALIASES))
NOT_SUPPORTED = {
    "aws_config": "settings of botocore belong into ~/.aws/config; name its profile: `profile:`",
    "debug_botocore_endpoint_logs": "remove it",
    "route53_enabled": "name hosts by `hostnames`, such as [tag:Name, private-ip-address]",
    "route53_excluded_zones": "name hosts by `hostnames`, such as [tag:Name, private-ip-address]",
    "route53_hostnames": "name hosts by `hostnames`, such as [tag:Name, private-ip-address]",
    "use_extra_vars": "expressions see the instance's own variables; use group_vars/ for others",
    "use_ssm": "to reach hosts through Session Manager write: connect: ssm",
    "use_ssm_inventory": "facts of hosts are gathered when a play needs them",
    "validate_certs": "name the authority's certificate instead: aws_ca_bundle: FILE",
}


@dataclass(frozen=True, kw_only=True)
class Ec2Config:
    """One file's wishes.

    Args:
        path: the file.
        regions: where to look; empty: everywhere that the account may use.
        queries: filters; an instance that fits one of them is wanted.
        exclude: filters; an instance that fits one of them is not.
        strict_permissions: whether a region that may not be asked is an error.
        names: what instances are called.
        constructed: their groups and composed variables.

    """

    path: Path
    where: Location
    access: Access
    regions: tuple[str, ...]
    region: str | None
    queries: tuple[Filters, ...]
    exclude: tuple[Filters, ...]
    strict_permissions: bool
    names: HostNames
    hostvars_prefix: str
    hostvars_suffix: str
    ec2_tag_keys: bool
    constructed: Constructed
    connect: Connect
    cache: CacheSettings | None


def read_config(data: LocatedMapping, path: Path) -> Ec2Config:
    """Check and type a file's options.

    Raises:
        UsageError: with file and line, for an option that does not exist, is not supported, or
            cannot be meant.

    """
    options = Options(_by_own_names(data), data.location)
    options.refuse_unknown(KNOWN, NOT_SUPPORTED)
    access = _access(options)
    return Ec2Config(
        path=path,
        where=options.place("regions" if options.values.get("regions") else "plugin"),
        access=access,
        regions=options.texts("regions"),
        region=options.text("region"),
        queries=_queries(options),
        exclude=_filter_list(options, "exclude_filters"),
        strict_permissions=options.flag("strict_permissions", default=True),
        names=HostNames.read(options),
        hostvars_prefix=options.text("hostvars_prefix") or "",
        hostvars_suffix=options.text("hostvars_suffix") or "",
        ec2_tag_keys=options.flag("use_contrib_script_compatible_ec2_tag_keys", default=False),
        constructed=Constructed(options, _sanitizer(options)),
        connect=Connect.read(options, access),
        cache=CacheSettings.read(options),
    )


def _by_own_names(data: LocatedMapping) -> LocatedMapping:
    """Return the options by their first names, refusing one that is given by two."""
    named = LocatedMapping()
    named.location, named.key_locations = data.location, {}
    for key, value in data.items():
        name = _ALIASES.get(key, key)
        if name in named:
            raise Options(data, data.location).error(key, f"is another name of {name}")
        named[name] = value
        named.key_locations[name] = data.key_locations[key]
    return named


def _access(options: Options) -> Access:
    given = {name: options.text(name) for name in _ACCESS}
    if given["profile"] and (given["access_key"] or given["secret_key"]):
        raise options.error("profile", "cannot be given beside an access key")
    if bool(given["access_key"]) != bool(given["secret_key"]):
        key = "access_key" if given["access_key"] else "secret_key"
        raise options.error(key, "access_key and secret_key belong together")
    return Access(
        profile=given["profile"],
        access_key=given["access_key"],
        secret_key=given["secret_key"],
        session_token=given["session_token"],
        role_arn=given["assume_role_arn"],
        endpoint_url=given["endpoint_url"],
        ca_bundle=given["aws_ca_bundle"],
    )


def _queries(options: Options) -> tuple[Filters, ...]:
    both = (*_filter_list(options, "include_filters"),)
    if options.values.get("filters"):
        own = Options(options.mapping("filters"), options.place("filters"), "filters")
        both = (_filters(own), *both)
    return both or ({},)


def _filter_list(options: Options, key: str) -> tuple[Filters, ...]:
    return tuple(_filters(part) for part in options.mappings(key))


def _filters(part: Options) -> Filters:
    """Return filters as EC2 takes them: a name, and texts of which one has to fit."""
    found = {}
    for name, value in part.values.items():
        items = value if isinstance(value, list) else [value]
        if not items or not all(isinstance(item, str | int | bool) for item in items):
            hint = f"write {name}: value, or {name}: [value, value]"
            raise part.error(name, f"must be a text or a list of texts, not {plain(value)!r}", hint)
        texts = (str(item).lower() if isinstance(item, bool) else item for item in items)
        found[str(name)] = tuple(str(_rendered(part, name, text)) for text in texts)
    return found


def _rendered(part: Options, name: str, value: object) -> object:
    return Options({name: value}, part.place(name)).text(name) or ""


def _sanitizer(options: Options) -> Callable[[str], str]:
    if options.flag("use_contrib_script_compatible_sanitization", default=False):
        return lambda name: re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return safe_group_name
