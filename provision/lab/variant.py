"""Hosts that are not as one would wish: what tests need beside the ordinary bare host."""

from __future__ import annotations

from enum import StrEnum

SUDO_PASSWORD = "lab-sudo-password"  # noqa: S105 - of throw-away hosts on loopback


class Variant(StrEnum):
    """What is different about a host."""

    BARE = "bare"
    SUDO_PASSWORD = "sudo-password"  # noqa: S105 - `ops` has to give SUDO_PASSWORD to sudo
    NO_PYTHON = "no-python"
    ROOT_LOGIN = "root-login"  # the lab's key opens root as well


SCRIPTS = {
    Variant.BARE: "",
    Variant.SUDO_PASSWORD: (
        f"echo ops:{SUDO_PASSWORD} | chpasswd\necho 'ops ALL=(ALL:ALL) ALL' > /etc/sudoers.d/ops\n"
    ),
    Variant.NO_PYTHON: "apt-get purge -y -qq --autoremove 'python3*' 'libpython3*'\n",
    Variant.ROOT_LOGIN: "install -D -m 0600 -t /root/.ssh /home/ops/.ssh/authorized_keys\n",
}
