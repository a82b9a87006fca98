"""A machine that a person describes in a YAML file; docs/gpu.md lists the fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from provision.errors import UsageError
from provision.source import load_yaml, location_of
from provision.tasks.nvidia.fields import Fields
from provision.tasks.nvidia.gpu import is_known
from provision.tasks.nvidia.machine import Device, Driver, Kernels, Machine, Wanted
from provision.tasks.nvidia.tables import table

# What `lspci -n -d 10de:` prints: "00:1e.0 0302: 10de:2237 (rev a1)"; address and class may be left
# out.
_DEVICE = re.compile(
    r"(?:[0-9a-f:]+\.[0-7] )?(?:(?P<kind>[0-9a-f]{4}): )?10de:(?P<id>[0-9a-f]{4})(?: \(.*\))?", re.I
)
_VERSION = re.compile(r"\d{3}\.\d+(\.\d+)?")
_FLAVOURS = ("open", "proprietary")


def read_machine(path: Path) -> Machine:
    """Read a file that describes a machine; see ``described_machine``."""
    return described_machine(load_yaml(path), str(path))


def described_machine(document: object, path: str) -> Machine:
    """Return the machine that a YAML document describes.

    Raises:
        UsageError: names file, line and what is meant instead.

    """
    fields = Fields.of(document, path)
    kernel = fields.section("kernel", needed=True)
    running = kernel.text("running")
    machine = Machine(
        devices=tuple(_devices(fields)),
        os=_system(fields),
        architecture=fields.choice("architecture", ("x86_64", "aarch64"), "x86_64"),
        kernels=Kernels(
            running=running,
            next=kernel.text("next", running),
            headers=kernel.texts("headers"),
            available=kernel.texts("available") if kernel.has("available") else None,
        ),
        secure_boot=fields.flag("secure_boot"),
        key_enrolled=fields.flag("key_enrolled"),
        instance_type=fields.text("instance_type", ""),
        nouveau=fields.flag("nouveau"),
        driver=_driver(fields.section("driver")),
        wanted=_wanted(fields.section("wanted")),
    )
    kernel.refuse_unknown()
    fields.refuse_unknown()
    return machine


def _system(fields: Fields) -> str:
    """Return the system, which may be one that nobody knows; one that is known is spelt so."""
    found = fields.text("os")
    known = table("distributions")
    spelt = {_letters(name): name for name in known}.get(_letters(found))
    if spelt is not None and spelt != found:
        raise UsageError(
            f"there is no os {str(found)!r}",
            where=location_of(found),
            hint=f"did you mean {spelt!r}?",
        )
    return found


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9.]", "", name.lower())


def _devices(fields: Fields) -> list[Device]:
    found = []
    for text in fields.texts("pci"):
        match = _DEVICE.fullmatch(text)
        if match is None:
            raise UsageError(
                f"{text!r} is not an NVIDIA device",
                where=location_of(text),
                hint="10de:2237, or a whole line of `lspci -n -d 10de:`",
            )
        device = Device(match["id"].lower(), match["kind"] or "")
        if not device.pci_class and not device.is_switch and not is_known(device.id):
            raise UsageError(
                f"no GPU with the PCI id {text} is known",
                where=location_of(text),
                hint="give the whole line of `lspci -n -d 10de:`; its class tells what it is",
            )
        found.append(device)
    return found


def _driver(fields: Fields) -> Driver:
    driver = Driver(
        loaded=fields.matching("loaded", _VERSION, "a version such as '580.95.05'"),
        installed=fields.matching("installed", _VERSION, "a version such as '580.95.05'"),
        flavour=fields.choice("flavour", _FLAVOURS, None),
        origin=fields.choice("origin", ("packages", "runfile", "image"), "packages"),
        packages=fields.texts("packages"),
        modules=_modules(fields),
        dkms=fields.flag("dkms"),
        fabricmanager=fields.matching("fabricmanager", _VERSION, "a version such as '580.95.05'"),
    )
    fields.refuse_unknown()
    return driver


def _modules(fields: Fields) -> Mapping[str, str]:
    """Return the kernels that have a module; a list, or a mapping to the module's version."""
    if fields.is_mapping("modules"):
        section = fields.section("modules")
        return {kernel: section.text(kernel) for kernel in section.names()}
    return dict.fromkeys(fields.texts("modules"), "")


def _wanted(fields: Fields) -> Wanted:
    wanted = Wanted(
        branch=fields.number("branch"),
        version=fields.matching("version", _VERSION, "a version such as '580.95.05'"),
        flavour=fields.choice("flavour", ("auto", *_FLAVOURS), "auto"),
        source=fields.choice("source", ("auto", "nvidia", "distro"), "auto"),
    )
    fields.refuse_unknown()
    return wanted
