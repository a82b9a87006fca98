"""How long the main job takes, first and when nothing is to do: ``python benchmarks/deploy.py``.

Three bare lab hosts with a registry of their own that has the images; no other lab is touched. The
labs' images are built before, where they are not there yet.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from measure import PYTHON, ROOT, Command, median, run

from provision.lab.lab import Lab

DIRECTORY = ROOT / ".lab" / "bench-deploy"
FIRST_LIMIT, AGAIN_LIMIT = 180.0, 3.0  # seconds


def deploy(inventory: Path) -> Command:
    return Command("deploy", [PYTHON, "-m", "provision", "deploy", "-i", inventory])


def measure_first(hosts: int) -> tuple[float, float]:
    """Return the seconds of a first deploy on bare hosts, and the median of three after it."""
    lab = Lab("bench-deploy", DIRECTORY)
    lab.down()  # what an interrupted run may have left
    try:
        started = time.monotonic()
        lab.up(hosts)
        print(f"  {hosts} hosts and their registry are up after {time.monotonic() - started:.0f} s")
        first = run(deploy(lab.inventory_file), ROOT).seconds
        return first, measure_again(lab.inventory_file)
    finally:
        lab.down()


def measure_again(inventory: Path) -> float:
    """Return the median of three deploys of what runs already; each must find nothing to do."""
    command = deploy(inventory)
    quiet = Command("no-op deploy", command.argv, lambda text: "nothing to change" in text)
    return median([run(quiet, ROOT) for _ in range(3)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--again", type=Path, metavar="INVENTORY", help="only time what runs there")
    options = parser.parse_args()
    print("deploy")
    if options.again is not None:
        again = measure_again(options.again)
    else:
        first, again = measure_first(options.hosts)
        kept = "kept  " if first < FIRST_LIMIT else "MISSED"
        print(f"  {kept}  a first one in {FIRST_LIMIT:g} s: {first:.1f} s")
    kept = "kept  " if again < AGAIN_LIMIT else "MISSED"
    print(f"  {kept}  one that finds nothing to do in {AGAIN_LIMIT:g} s: {again:.2f} s")


if __name__ == "__main__":
    main()
