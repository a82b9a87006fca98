"""What containers see of the GPUs, how verification judges, and the reboot for a new driver."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import pytest

from provision.lab.gpus import DRIVER
from tests.integration.commandline import Ended, Project

from .conftest import OnHost

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("deployed")]

Prepare = Callable[..., Ended]
NEWER = "570.190.04"
# As `nvidia_driver` says it:
REASON = f"NVIDIA driver: driver {DRIVER} is loaded; {NEWER} takes over then"
CHECKPOINT = "/var/lib/provision/reboot.json"
MARKER = "/run/provision/reboot-required"
WANTED = f'mkdir -p /run/provision; echo \'{{"reason": "somebody asks for it"}}\' > {MARKER}'
BOOT = "cat /proc/sys/kernel/random/boot_id"
RUNNING = "docker ps --filter label=com.docker.compose.service=trainer --format '{{.Status}}'"
# The simulated card has errors and forgets its driver between jobs; others are of another version.
FAULTY = """
set -e; cp -p /usr/bin/nvidia-smi /etc/cdi/nvidia.yaml /root
sed -i 's/persistence_mode) echo .*/persistence_mode) echo Disabled ;;/
        s/volatile.total) echo .*/volatile.total) echo 3 ;;/' /usr/bin/nvidia-smi
sed -i 's/libcuda[.]so[.][0-9.]*/libcuda.so.570.1.1/' /etc/cdi/nvidia.yaml
printf '#!/bin/sh\\necho "Fabric Manager version is : 570.1.1"\\n' > /usr/local/bin/nv-fabricmanager
chmod 755 /usr/local/bin/nv-fabricmanager
printf '#!/bin/sh\\necho "NVRM: Xid (PCI:0000:20:00): 79, GPU has fallen off the bus."\\n' \
    > /usr/local/bin/journalctl
chmod 755 /usr/local/bin/journalctl
touch /boot/vmlinuz-99.9.9; apt-mark unhold nvidia-container-toolkit
"""
SOUND = """
set -e; mv /root/nvidia-smi /usr/bin; mv /root/nvidia.yaml /etc/cdi
cd /usr/local/bin; rm nv-fabricmanager journalctl /boot/vmlinuz-99.9.9
apt-mark hold nvidia-container-toolkit
"""
# Python as the host has it; the link is what NVIDIA's hook makes in containers, by ldconfig.
WITH_PYTHON = """
set -e; d=$(mktemp -d); l=usr/lib/x86_64-linux-gnu; mkdir -p $d/usr/bin $d/usr/lib
cp -a /usr/bin/python3* $d/usr/bin; cp -a /usr/lib/python3* $d/usr/lib
tar -C / --exclude='libcuda*' -c $l usr/lib64 | tar -C $d -x
ln -s usr/lib $d/lib; ln -s usr/lib64 $d/lib64; mkdir $d/tmp
ln -s $(basename $(ls /$l/libcuda.so.[0-9][0-9][0-9].*)) $d/$l/libcuda.so.1
tar -C $d -c . | docker import - with-python:1; rm -r $d
"""


def nodes(on_host: OnHost, device: str) -> list[str]:
    """Return the GPUs in a container that asks for ``device``."""
    listed = on_host(f"docker run --rm --device {device} tiny:1 ls /dev")
    return [name for name in listed.split() if name.startswith("nvidia") and name[6:].isdigit()]


def test_a_container_sees_what_it_asked_for_and_nothing_else(on_host: OnHost) -> None:
    assert nodes(on_host, "nvidia.com/gpu=0") == ["nvidia0"]
    assert nodes(on_host, "nvidia.com/gpu=1") == ["nvidia1"]
    assert nodes(on_host, "nvidia.com/gpu=all") == ["nvidia0", "nvidia1"]
    by_uuid = "nvidia.com/gpu=GPU-51000000-0000-0000-0000-000000000001"
    assert nodes(on_host, by_uuid) == ["nvidia1"]
    assert "nvidia" not in on_host("docker run --rm tiny:1 ls /dev")
    inside = on_host(
        "docker run --rm --device nvidia.com/gpu=1 tiny:1 /bin/sh /usr/bin/nvidia-smi -L"
    )
    assert inside.startswith("GPU 1: NVIDIA A10G (simulated)")
    assert len(inside.splitlines()) == 1
    unknown = on_host("docker run --rm --device nvidia.com/gpu=7 tiny:1 true 2>&1 || true")
    assert "nvidia.com/gpu=7" in unknown


def test_a_service_sees_what_its_template_reserves(on_host: OnHost) -> None:
    listed = on_host("docker exec generals-trainer-trainer-1 ls /dev")
    assert "nvidia0" in listed
    assert "nvidia1" not in listed


def test_a_reload_of_systemd_leaves_a_running_container_its_gpu(on_host: OnHost) -> None:
    """The device's driver is simulated, so opening it ends at its absence, not at the cgroup."""
    opened = "docker exec generals-trainer-trainer-1 cat /dev/nvidia0 2>&1 || true"
    assert "No such device or address" in on_host(opened)
    on_host("systemctl daemon-reload")
    assert "No such device or address" in on_host(opened)


def test_instances_of_a_gpu_are_described_once_there_are_some(
    prepare: Prepare, on_host: OnHost
) -> None:
    on_host("simulated-gpu split 1")
    changed = prepare()
    assert changed.code == 0, changed.shown
    assert changed.recap()["h1"]["changed"] == 1, changed.shown
    assert nodes(on_host, "nvidia.com/gpu=1:0") == ["nvidia1"]
    inside = on_host("docker run --rm --device nvidia.com/gpu=1:1 tiny:1 ls /dev/nvidia-caps")
    assert inside == "nvidia-cap11"
    again = prepare()
    assert again.recap()["h1"]["changed"] == 0, again.shown


def test_verification_finds_all_of_it_in_order(project: Project) -> None:
    verified = project.run("verify", "-t", "gpu")
    assert verified.code == 0, verified.shown


def test_a_cuda_context_opens_in_a_container(project: Project, on_host: OnHost) -> None:
    verify = ("-t", "cuda", "-e", '{"cuda_image": "with-python:1"}')
    missing = project.run("verify", *verify)
    assert missing.code == 5, missing.shown
    assert "the image is not on this host" in missing.out
    on_host(WITH_PYTHON)
    opened = project.run("verify", *verify)
    assert opened.code == 0, opened.shown
    assert opened.recap()["h1"]["ok"] == 2
    on_host(
        "cp /etc/cdi/nvidia.yaml /tmp/; sed -i '/name: .all/,$ {/nvidia1$/d}' /etc/cdi/nvidia.yaml"
    )
    fewer = project.run("verify", *verify)
    on_host("mv /tmp/nvidia.yaml /etc/cdi/nvidia.yaml")
    assert fewer.code == 5, fewer.shown
    assert "2 contexts in a container of with-python:1" in fewer.out
    assert "found     count and CUDA results: 1 0 0 0" in fewer.out


def test_verification_tells_what_is_wrong_with_a_driver(project: Project, on_host: OnHost) -> None:
    on_host(FAULTY)
    verified = project.run("verify", "-t", "gpu", "--json")
    on_host(SOUND)
    assert verified.code == 5, verified.shown
    found = {
        event["task"].partition(": ")[2]: event["found"]
        for event in verified.events("task_finished")
        if event["status"] == "failed"
    }
    assert found.pop("The kernel of the next boot has the driver's module, too") == "none"
    held = "The driver's packages are held: an unattended upgrade would break running jobs"
    assert "nvidia-container-toolkit " in found.pop(held)
    assert found == {
        "The loaded driver, its libraries, the fabric manager and the CDI specification are one": (
            "fabricmanager: 570.1.1; the CDI specification: 570.1.1"
        ),
        "The driver stays loaded between jobs, and does so after a boot": "GPU 0 off; GPU 1 off",
        "The driver has reported no fault since boot": (
            "NVRM: Xid (PCI:0000:20:00): 79, GPU has fallen off the bus."
        ),
        "No GPU has uncorrectable memory errors": (
            "GPU 0 (NVIDIA A10G (simulated)): 3; GPU 1 (NVIDIA A10G (simulated)): 3"
        ),
    }
    well = project.run("verify", "-t", "gpu")
    assert well.code == 0, well.shown


def test_a_gpu_that_disappears_is_found(
    project: Project, prepare: Prepare, on_host: OnHost
) -> None:
    on_host("simulated-gpu lose 1")
    verified = project.run("verify", "-t", "gpu")
    assert verified.code == 5, verified.shown
    assert "1 by PCI" in verified.out
    assert "1 by nvidia-smi" in verified.out
    refused = prepare()
    assert refused.code == 3, refused.shown
    assert "gpu_count is 2, but there are 1 NVIDIA GPUs" in refused.out
    fewer = prepare(gpu_count=1)
    assert fewer.code == 0, fewer.shown
    assert "nvidia1" not in on_host("cat /etc/cdi/nvidia.yaml")


def test_a_module_reboots_and_the_play_goes_on(project: Project, on_host: OnHost) -> None:
    before = on_host(BOOT)
    played = project.play(
        "- hosts: all\n  become: true\n  tasks:\n"
        "    - reboot: {reboot_timeout: 60, test_command: systemctl is-active docker}\n"
        "      register: it\n"
        f"    - {{name: ask, command: {BOOT}, register: now, changed_when: false}}\n"
        f"    - assert: {{that: [it.rebooted, now.stdout != '{before}']}}\n"
    )
    assert played.code == 0, played.shown
    assert on_host(BOOT) != before
    assert on_host("ls /dev/nvidia1") == "/dev/nvidia1"
    again = project.run("deploy", "--tags", "trainer")  # Docker before 28 starts none with CDI
    assert again.code == 0, again.shown


def test_a_host_that_stays_on_its_boot_is_not_taken_for_rebooted(project: Project) -> None:
    played = project.play(
        "- hosts: all\n  become: true\n  tasks:\n"
        "    - reboot: {reboot_timeout: 3, reboot_command: 'true'}\n"
    )
    assert played.code == 4, played.shown
    assert "it is still on the boot that it was to leave" in played.out


def test_without_leave_the_reboot_stays_pending(
    project: Project, prepare: Prepare, on_host: OnHost
) -> None:
    boot = on_host(BOOT)
    on_host(f"simulated-gpu install {NEWER}; {WANTED}")
    plan = prepare("--check")
    assert plan.code == 2, plan.shown
    assert "would reboot: somebody asks for it" in plan.out
    pending = prepare("--no-reboot")
    assert pending.code == 0, pending.shown
    assert f"pending   h1: reboot: {REASON}" in pending.out
    assert f"reboot pending: {REASON}" in project.run("status").out
    assert on_host(BOOT) == boot


def test_services_are_drained_for_it_and_start_again(
    project: Project, prepare: Prepare, on_host: OnHost
) -> None:
    boot = on_host(BOOT)
    assert "Up" in on_host(RUNNING)
    ended = on_host("cat /var/lib/generals/trainer/ended 2>/dev/null || true").splitlines()
    done = prepare()
    assert done.code == 0, done.shown
    assert on_host(BOOT) != boot
    assert len(on_host("cat /var/lib/generals/trainer/ended").splitlines()) == len(ended) + 1
    assert "Up" in on_host(RUNNING)
    assert NEWER in on_host("cat /proc/driver/nvidia/version")
    assert f"libcuda.so.{NEWER}" in on_host("cat /etc/cdi/nvidia.yaml")
    assert on_host(f"ls {CHECKPOINT} 2>&1 || true").endswith("No such file or directory")
    line = json.loads(on_host("tail -n 1 /var/lib/provision/history.jsonl"))
    assert (line["action"], line["reason"]) == ("reboot", REASON)
    verified = project.run("verify", "-t", "gpu")
    assert verified.code == 0, verified.shown
    again = prepare()
    assert again.code == 0, again.shown
    assert again.recap()["h1"]["changed"] == 0


def test_a_run_after_an_interruption_goes_on(
    project: Project, prepare: Prepare, on_host: OnHost
) -> None:
    """Killed while the trainer was ending: it is stopped, and nobody has rebooted the host."""
    boot = on_host(BOOT)
    assert "Up" in on_host(RUNNING)
    on_host(WANTED)
    running = subprocess.Popen(
        project.argv("deploy", "--tags", "prepare"),
        cwd=project.directory,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    on_host(f"for i in $(seq 300); do [ -e {CHECKPOINT} ] && exit; sleep 0.1; done; exit 1")
    running.kill()
    running.wait()
    deadline = time.monotonic() + 30
    while on_host(RUNNING) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert on_host(RUNNING) == ""
    assert on_host(BOOT) == boot
    on_host(f"rm {MARKER}")  # what is written down is enough
    done = prepare()
    assert done.code == 0, done.shown
    assert on_host(BOOT) != boot
    assert "Up" in on_host(RUNNING)
    assert on_host(f"ls {CHECKPOINT} 2>&1 || true").endswith("No such file or directory")


def test_a_gpu_that_does_not_come_back_stops_everything_until_it_does(
    project: Project, prepare: Prepare, on_host: OnHost
) -> None:
    on_host(f"simulated-gpu plug 1; {WANTED}")
    failed = prepare()
    assert failed.code == 3, failed.shown
    assert "1 of 2 GPUs came back from the reboot" in failed.out
    assert on_host(RUNNING) == ""
    assert "reboot pending: somebody asks for it" in project.run("status").out
    on_host("simulated-gpu plug 2")
    assert project.play("- hosts: all\n  become: true\n  tasks: [{reboot: {}}]\n").code == 0
    done = prepare()
    assert done.code == 0, done.shown
    assert "Up" in on_host(RUNNING)
    assert "reboot pending" not in project.run("status").out
