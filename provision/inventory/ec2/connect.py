"""How instances are reached: ``connect: public | private | bastion HOST | ssm``, our own option."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from provision.aws import Access
from provision.errors import did_you_mean
from provision.inventory.options import Options

_WAYS = ("public", "private", "bastion", "ssm")
# https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-getting-started-enable-ssh-connections.html
_SESSION = ["--document-name", "AWS-StartSSHSession", "--parameters", "portNumber=%p"]


@dataclass(frozen=True)
class Connect:
    """The way to every instance of one file; None leaves it to variables, as with Ansible.

    Args:
        way: which address, or which detour.
        bastion: the jump host, as in ``ProxyJump``.
        profile: whose credentials the ``aws`` command uses.

    """

    way: Literal["public", "private", "bastion", "ssm"] | None = None
    bastion: str = ""
    profile: str | None = None

    @classmethod
    def read(cls, options: Options, access: Access) -> Connect:
        """Read the option.

        Raises:
            UsageError: it says none of the four, or ``compose`` says something else.

        """
        text = options.text("connect")
        if text is None:
            return cls()
        way, _, host = text.partition(" ")
        if way not in _WAYS:
            hint = did_you_mean(way, _WAYS)
            raise options.error("connect", f"{way!r} is no way to connect", hint)
        if (way == "bastion") != bool(host.strip()):
            hint = "public, private, bastion ops@bastion.example.com, or ssm"
            raise options.error("connect", f"{text!r} cannot be meant", hint)
        if "ansible_host" in options.mapping("compose"):
            hint = "remove one of them"
            raise options.error("connect", "compose says what ansible_host is, too", hint)
        if way == "ssm" and (access.access_key or access.role_arn):
            problem = "the aws command, which opens the session, does not know this file's keys"
            raise options.error("connect", problem, "use a profile of ~/.aws/config: profile: NAME")
        return cls(way, host.strip(), access.profile)  # type: ignore[arg-type]

    def variables(self, instance: Mapping[str, Any], region: str) -> dict[str, str]:
        """Return the connection variables of an instance; empty where it has no such address.

        Host keys are remembered by the instance's id: EC2 gives addresses to others again.
        """
        if self.way is None:
            return {}
        name = str(instance["InstanceId"])
        address = name if self.way == "ssm" else self._address(instance)
        if address is None:
            return {}
        variables = {"ansible_host": address, "provision_host_key_alias": name}
        if self.way == "bastion":
            variables["provision_jump"] = self.bastion
        if self.way == "ssm":
            variables["provision_proxy_command"] = self._session(region)
        return variables

    def _address(self, instance: Mapping[str, Any]) -> str | None:
        kinds = ("PublicIpAddress",) if self.way == "public" else ("PrivateIpAddress",)
        found = (instance.get(kind) for kind in (*kinds, "Ipv6Address"))
        return next((str(address) for address in found if address), None)

    def _session(self, region: str) -> str:
        profile = ["--profile", self.profile] if self.profile else []
        command = ["aws", "ssm", "start-session", "--target", "%h", *_SESSION]
        return shlex.join([*command, "--region", region, *profile])
