"""What a host is and has."""

from __future__ import annotations

from provision.agent.facts.distribution import distribution
from provision.agent.facts.docker import docker
from provision.agent.facts.hardware import hardware
from provision.agent.facts.network import network
from provision.agent.facts.software import software
from provision.agent.resource import Data, Query
from provision.agent.system import System


class Facts(Query):
    """Ansible's facts, as far as playbooks use them, and our own under ``provision_…``.

    ``provision_boot_id``; ``provision_clock`` (Unix seconds and whether it is synchronized);
    ``provision_disks`` (bytes of / and /var/lib/docker); ``provision_docker``;
    ``provision_listeners`` (TCP addresses and ports); ``provision_memory_available_mb``;
    ``provision_nvidia`` (PCI devices, loaded driver).
    """

    def answer(self, system: System) -> Data:
        """Return them all."""
        parts = (distribution, hardware, network, software, docker)
        return {name: value for part in parts for name, value in part(system).items()}
