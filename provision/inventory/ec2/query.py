"""Asks EC2 for instances: every region at once, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from provision.aws import AwsError, aws_for, explained
from provision.errors import UsageError, nearest
from provision.inventory.ec2.config import Ec2Config, Filters

_REGIONS_AT_ONCE = 16
_FIRST_REGION = "us-east-1"  # where the regions are asked for, if nothing says another one
_STATE = "instance-state-name"
# What is asked for where the filters say nothing of states: all that is not gone for good.
_STATES = ("running", "pending", "stopping", "stopped")
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html
_MARKED = {"marked-for-stop", "marked-for-termination"}


@dataclass(frozen=True)
class Found:
    """An instance.

    Args:
        region: where it is.
        instance: EC2's description, with the ids of its reservation.
        marked: EC2's word for its interruption, if that is about to come.
        asked_state: whether the filters asked for instances in its state by name.

    """

    region: str
    instance: dict[str, Any]
    marked: str | None = None
    asked_state: bool = False


@dataclass(frozen=True)
class Answer:
    """What EC2 said: the instances by their ids, and what could not be asked."""

    found: tuple[Found, ...]
    notices: tuple[str, ...]


class Query:
    """One file's question.

    Raises:
        UsageError: boto3 is not installed, or AWS cannot be asked.

    """

    def __init__(self, config: Ec2Config) -> None:
        self._config = config
        self._aws = aws_for(config.access)
        self._notices: list[str] = []

    def ask(self) -> Answer:
        """Ask.

        Raises:
            AwsError: with the place in the file.

        """
        regions = self._config.regions or self._all_regions()
        with ThreadPoolExecutor(_REGIONS_AT_ONCE) as pool:
            found = [one for region in pool.map(self._region, regions) for one in region]
        found.sort(key=lambda one: str(one.instance["InstanceId"]))
        return Answer(tuple(found), tuple(self._notices))

    def _all_regions(self) -> Sequence[str]:
        first = self._config.region or self._aws.region or _FIRST_REGION
        with explained("EC2: regions", self._config.where):
            answer = self._aws.client("ec2", first).describe_regions()
        return [str(region["RegionName"]) for region in answer["Regions"]]

    def _region(self, region: str) -> list[Found]:
        try:
            return self._ask_region(region)
        except AwsError as error:
            if self._config.strict_permissions or not error.forbidden:
                raise self._misspelt(region) or error from None
            self._notices.append(f"{error.where}: {error.message}; left out")
            return []

    def _misspelt(self, region: str) -> UsageError | None:
        """Return the error of a region that boto3 has not heard of, if another is called so."""
        known = self._aws.regions("ec2")
        near = nearest(region, known)
        if near is None or region in known:
            return None
        return UsageError(
            f"there is no region {region!r} that answers",
            where=self._config.where,
            hint=f"did you mean {near!r}?",
        )

    def _ask_region(self, region: str) -> list[Found]:
        with explained(f"EC2 in {region}", self._config.where):
            client = self._aws.client("ec2", region)
            excluded = {
                one["InstanceId"] for filters in self._config.exclude
                for one in _instances(client, filters)
            }  # fmt: skip
            wanted: dict[str, Found] = {}
            for filters in self._config.queries:
                for one in _instances(client, filters):
                    known = wanted.get(one["InstanceId"])
                    asked = _STATE in filters or (known is not None and known.asked_state)
                    wanted[one["InstanceId"]] = Found(region, one, asked_state=asked)
        kept = [found for name, found in wanted.items() if name not in excluded]
        return self._with_marks(client, region, kept)

    def _with_marks(self, client: Any, region: str, found: list[Found]) -> list[Found]:
        """Add which spot instances are about to be interrupted."""
        if not any(one.instance.get("InstanceLifecycle") == "spot" for one in found):
            return found
        try:
            with explained(f"EC2 in {region}: spot requests", self._config.where):
                marks = _marks(client)
        except AwsError as error:
            if not error.forbidden:
                raise
            self._notices.append(f"{error.message}: interruptions of spot instances are not seen")
            return found
        return [
            Found(one.region, one.instance, marks.get(one.instance["InstanceId"]), one.asked_state)
            for one in found
        ]


def _instances(client: Any, filters: Filters) -> Iterable[dict[str, Any]]:
    """Yield what fits the filters, page by page, each with the ids of its reservation."""
    asked = filters if _STATE in filters else {**filters, _STATE: _STATES}
    pages = client.get_paginator("describe_instances").paginate(Filters=_as_boto3(asked))
    for page in pages:
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                yield {
                    **instance,
                    "OwnerId": reservation["OwnerId"],
                    "RequesterId": reservation.get("RequesterId", ""),
                    "ReservationId": reservation["ReservationId"],
                }


def _as_boto3(filters: Filters) -> list[Mapping[str, Any]]:
    return [{"Name": name, "Values": list(values)} for name, values in filters.items()]


def _marks(client: Any) -> dict[str, str]:
    """Return the instances whose spot request says that they will be interrupted."""
    active = [{"Name": "state", "Values": ["active"]}]
    pages = client.get_paginator("describe_spot_instance_requests").paginate(Filters=active)
    requests = [request for page in pages for request in page["SpotInstanceRequests"]]
    return {
        request["InstanceId"]: request["Status"]["Code"]
        for request in requests
        if request.get("InstanceId") and request.get("Status", {}).get("Code") in _MARKED
    }
