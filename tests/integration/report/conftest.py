from __future__ import annotations

import shutil
import subprocess

import pytest

from provision.lab.host import ssh_command
from tests.integration.report.browser import Browser


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Browser:
    """Chromium; where this machine has none, it is installed on a lab host in half a minute."""
    if shutil.which("chromium"):
        return Browser()
    host = request.getfixturevalue("bare_host")
    install = "apt-get -q update && apt-get -qy install --no-install-recommends chromium"
    subprocess.run(ssh_command(host, [f"sudo sh -c '{install}'"]), check=True, capture_output=True)
    return Browser(ssh_command(host, []))
