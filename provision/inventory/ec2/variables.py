"""A host's variables: what EC2 says of the instance, named as Ansible's plugin names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provision.inventory.ec2.attributes import tags_of

_PLURAL_ABBREVIATION = re.compile(r"[A-Z]{3,}s$")
_WORD = re.compile(r"(.)([A-Z][a-z]+)")
_CAPITALS = re.compile(r"([a-z0-9])([A-Z]+)")


def variables_of(
    instance: Mapping[str, Any], *, prefix: str = "", suffix: str = "", ec2_tag_keys: bool = False
) -> dict[str, Any]:
    """Return the variables of one instance.

    Args:
        instance: as ``DescribeInstances`` describes it, its reservation's ids included.
        prefix: before each variable's name.
        suffix: behind each variable's name.
        ec2_tag_keys: whether each tag is also a variable ``ec2_tag_<name>``.

    """
    variables = {snake(key): _renamed(value) for key, value in instance.items() if key != "Tags"}
    tags = tags_of(instance)
    variables["tags"] = tags
    zone = variables["placement"]["availability_zone"]
    variables["placement"]["region"] = zone[:-1]
    if ec2_tag_keys:
        variables.update({f"ec2_tag_{name}": value for name, value in tags.items()})
    return {f"{prefix}{name}{suffix}": value for name, value in variables.items()}


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {snake(key): _renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    return value


def snake(name: str) -> str:
    """Return ``PublicIpAddress`` as ``public_ip_address``."""
    text = _PLURAL_ABBREVIATION.sub(lambda match: "_" + match[0].lower(), name)
    text = text if name.startswith("_") else text.removeprefix("_")
    return _CAPITALS.sub(r"\1_\2", _WORD.sub(r"\1_\2", text)).lower()
