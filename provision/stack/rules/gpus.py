"""Rules about GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from provision.stack.finding import Problem, Service, rule

_RESERVATION = (
    "use deploy.resources.reservations.devices: "
    '[{driver: cdi, device_ids: ["nvidia.com/gpu=all"], capabilities: [gpu]}]'
)


@rule("gpu-limits")
def gpu_limits(service: Service) -> Iterator[Problem]:
    """Devices are reserved; under `limits` Compose gives none."""
    if "devices" in service.mapping("deploy", "resources", "limits"):
        yield Problem("devices under `limits` give the container no GPU", _RESERVATION)


@rule("gpu-device-name")
def gpu_device_name(service: Service) -> Iterator[Problem]:
    """`devices:` takes paths of device nodes; older Compose refuses CDI names there."""
    for entry in service.items("devices"):
        source = str(entry.get("source") if isinstance(entry, dict) else entry)
        if not source.startswith("/") and "=" in source:
            yield Problem(f"`devices` cannot name the CDI device {source!r}", _RESERVATION)


@rule("gpu-reservation")
def gpu_reservation(service: Service) -> Iterator[Problem]:
    """A reservation needs capabilities, and names its devices in one way."""
    for entry in service.mapping("deploy", "resources", "reservations").get("devices") or []:
        if not isinstance(entry, dict):
            continue
        if not entry.get("capabilities"):
            yield Problem("a reserved device has no `capabilities`", "add `capabilities: [gpu]`")
        if "count" in entry and "device_ids" in entry:
            yield Problem("`count` and `device_ids` exclude each other", "remove one of them")
        names = entry.get("device_ids") or []
        if entry.get("driver") == "cdi" and not all("=" in str(name) for name in names):
            yield Problem(
                f"{', '.join(map(str, names))} is no CDI name",
                "write vendor/class=name, as in "
                "nvidia.com/gpu=0; `nvidia-ctk cdi list` on the host shows them",
            )
