"""The units that write the CDI specification anew after a boot and after a driver's installation.

From 1.18 on the toolkit's packages ship them; for older ones ours have the same names and do the
same (deployments/systemd of github.com/NVIDIA/nvidia-container-toolkit).
"""

from __future__ import annotations

import re

from provision.agent.resources.cdi_specification import PATH

NAMES = ("nvidia-cdi-refresh.path", "nvidia-cdi-refresh.service")
DIRECTORY = "/etc/systemd/system"

SETTINGS = "/etc/nvidia-container-toolkit/nvidia-cdi-refresh.env"
"""What NVIDIA's own service reads.

It writes below ``/run`` if nothing else is said, and that is empty after a boot: containers that
Docker starts then would find no GPU. ``/etc/cdi`` still has what was so before the boot.
"""

SETTINGS_TEXT = (
    "# Written by provision: containers that start at boot need the specification at once.\n"
    f"NVIDIA_CTK_CDI_OUTPUT_FILE_PATH={PATH}\n"
)

VOLATILE = "/run/cdi/nvidia.yaml"
"""Where the service has written without that setting; of two files Docker would take this one."""

_SHIPPED_SINCE = (1, 18)

UNITS = {
    "nvidia-cdi-refresh.path": """\
# Written by provision.
[Unit]
Description=Have the CDI specification written anew when the NVIDIA driver changes

[Path]
PathChanged=/lib/modules/%v/modules.dep
PathChanged=/lib/modules/%v/modules.dep.bin

[Install]
WantedBy=multi-user.target
""",
    "nvidia-cdi-refresh.service": f"""\
# Written by provision.
[Unit]
Description=Write the CDI specification of the NVIDIA GPUs
ConditionPathExists=/usr/bin/nvidia-smi
ConditionPathExists=/usr/bin/nvidia-ctk
After=nvidia-persistenced.service
Before=docker.service

[Service]
Type=oneshot
ExecCondition=/bin/grep -qE "/nvidia(-current)?[.]ko" /lib/modules/%v/modules.dep
ExecStart=/usr/bin/nvidia-ctk cdi generate --output={PATH}
TimeoutStartSec=90

[Install]
WantedBy=multi-user.target
""",
}


def are_shipped(version: str) -> bool:
    """Tell whether the packages of this version, such as ``1.19.1-1``, have units of their own."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is None or (int(found[1]), int(found[2])) >= _SHIPPED_SINCE
