"""Attributes of instances, by the names that filters have in EC2's ``DescribeInstances``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OF_INTERFACE = "NetworkInterfaces."
_INTERFACE = {
    "addresses.association.ip-owner-id": "PrivateIpAddresses.Association.IpOwnerId",
    "addresses.association.public-ip": "PrivateIpAddresses.Association.PublicIp",
    "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
    "association.ip-owner-id": "Association.IpOwnerId",
    "association.public-ip": "Association.PublicIp",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.status": "Attachment.Status",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "ipv6-addresses.ipv6-address": "Ipv6Addresses.Ipv6Address",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}
# A filter's name -> the way to its value in an instance; lists on the way are gone through.
ATTRIBUTES: Mapping[str, str] = {
    "affinity": "Placement.Affinity",
    "architecture": "Architecture",
    "availability-zone": "Placement.AvailabilityZone",
    "block-device-mapping.device-name": "BlockDeviceMappings.DeviceName",
    "block-device-mapping.status": "BlockDeviceMappings.Ebs.Status",
    "block-device-mapping.volume-id": "BlockDeviceMappings.Ebs.VolumeId",
    "client-token": "ClientToken",
    "dns-name": "PublicDnsName",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "host-id": "Placement.HostId",
    "hypervisor": "Hypervisor",
    "iam-instance-profile.arn": "IamInstanceProfile.Arn",
    "image-id": "ImageId",
    "instance-id": "InstanceId",
    "instance-lifecycle": "InstanceLifecycle",
    "instance-state-code": "State.Code",
    "instance-state-name": "State.Name",
    "instance-type": "InstanceType",
    "instance.group-id": "SecurityGroups.GroupId",
    "instance.group-name": "SecurityGroups.GroupName",
    "ip-address": "PublicIpAddress",
    "kernel-id": "KernelId",
    "key-name": "KeyName",
    "launch-index": "AmiLaunchIndex",
    "monitoring-state": "Monitoring.State",
    "owner-id": "OwnerId",
    "placement-group-name": "Placement.GroupName",
    "platform": "Platform",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "product-code": "ProductCodes.ProductCodeId",
    "product-code.type": "ProductCodes.ProductCodeType",
    "ramdisk-id": "RamdiskId",
    "reason": "StateTransitionReason",
    "requester-id": "RequesterId",
    "reservation-id": "ReservationId",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "spot-instance-request-id": "SpotInstanceRequestId",
    "state-reason-code": "StateReason.Code",
    "state-reason-message": "StateReason.Message",
    "subnet-id": "SubnetId",
    "tenancy": "Placement.Tenancy",
    "virtualization-type": "VirtualizationType",
    "vpc-id": "VpcId",
    "network-interface.availability-zone": "Placement.AvailabilityZone",
    **{f"network-interface.{name}": _OF_INTERFACE + way for name, way in _INTERFACE.items()},
}


def attribute(instance: Mapping[str, Any], name: str) -> list[str]:
    """Return an attribute's values as texts: none, one, or many where lists are on the way."""
    return [str(value) for value in _follow(instance, ATTRIBUTES[name].split(".")) if value]


def _follow(value: Any, way: list[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _follow(item, way)]
    if not way:
        return [value]
    return _follow(value[way[0]], way[1:]) if way[0] in value else []


def tags_of(instance: Mapping[str, Any]) -> dict[str, str]:
    """Return an instance's tags by name."""
    return {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
