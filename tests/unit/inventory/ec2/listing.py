"""What of a listing is worth keeping: all that is not the same as in the plain one."""

from __future__ import annotations

from typing import Any

Listing = dict[str, Any]


def descriptions(listing: Listing) -> dict[str, dict[str, Any]]:
    """Return the variables of a listing's hosts by the ids of their instances."""
    variables = listing["_meta"]["hostvars"].values()
    return {instance_id(one): one for one in variables if "instance_id" in one}


def reduced(listing: Listing, plain: dict[str, dict[str, Any]]) -> Listing:
    """Leave out of each host what ``plain`` says of its instance, too."""
    hosts = {name: _reduced(one, plain) for name, one in listing["_meta"]["hostvars"].items()}
    return {**listing, "_meta": {**listing["_meta"], "hostvars": hosts}}


def _reduced(variables: dict[str, Any], plain: dict[str, dict[str, Any]]) -> dict[str, Any]:
    known = plain.get(instance_id(variables), {}) if "instance_id" in variables else {}
    return {
        name: value
        for name, value in variables.items()
        if name == "instance_id" or name not in known or known[name] != value
    }


def instance_id(variables: dict[str, Any]) -> str:
    return str(variables["instance_id"]["__ansible_unsafe"])
