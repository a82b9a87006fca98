"""A packet filter that can be switched on without locking anybody out."""

from __future__ import annotations

from collections.abc import Sequence

from provision.agent.resources.copy import Copy
from provision.agent.resources.directory import Directory
from provision.agent.resources.package import Package
from provision.agent.resources.systemd import Systemd
from provision.tasks.host import Host
from provision.tasks.task import task

_RULES = "/etc/provision/firewall.nft"
_UNIT = "provision-firewall.service"
_SSH_PORT = 22

# A table of our own: Docker's and anybody else's rules stay as they are. Ports that containers
# publish do not pass `input`; they are kept private by the address that they are bound to.
_TABLE = """\
# Written by provision.
table inet provision
delete table inet provision
table inet provision {{
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    tcp dport {{ {ports} }} accept
{sources}  }}
}}
"""

_SERVICE = f"""\
# Written by provision.
[Unit]
Description=Packet filter of the training cluster
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {_RULES}
ExecReload=/usr/sbin/nft -f {_RULES}
ExecStop=/usr/sbin/nft delete table inet provision

[Install]
WantedBy=multi-user.target
"""


@task
def firewall(host: Host, *, allow_from: Sequence[str] = (), ports: Sequence[int] = ()) -> None:
    """Drop what comes in, but for SSH, answers, and the cluster itself.

    Args:
        allow_from: addresses or networks that may reach everything: the cluster's own.
        ports: further TCP ports that anybody may reach. SSH's is always open, also a port that the
            inventory names for this host, so that the next run gets in.

    """
    named = host.variables.get("ansible_port", _SSH_PORT)
    opened = sorted({_SSH_PORT, int(named), *map(int, ports)})
    host.on_change("load firewall", Systemd(name=_UNIT, state="reloaded"))
    host.apply(Package(name=["nftables"]))
    host.apply(Directory(path="/etc/provision", mode=0o755))
    host.apply(
        Copy(
            dest=_RULES,
            content=_table(opened, allow_from),
            mode=0o644,
            validate="nft --check --file %s",
        ),
        notify="load firewall",
    )
    host.apply(Copy(dest=f"/etc/systemd/system/{_UNIT}", content=_SERVICE, mode=0o644))
    host.apply(Systemd(name=_UNIT, enabled=True, state="started"))


def _table(ports: Sequence[int], sources: Sequence[str]) -> str:
    """Return the rules; an address with a colon is of IPv6."""
    lines = [
        f"    {'ip6' if ':' in source else 'ip'} saddr {source} accept\n" for source in sources
    ]
    return _TABLE.format(ports=", ".join(map(str, ports)), sources="".join(lines))
