"""Package definition of ``generals-provision``.

``templates/``, ``playbooks/``, ``inventory/`` and ``docker/`` live at the top level, where users
edit them, and are shipped inside the wheel as ``provision/defaults/…`` (see ``provision.project``).
"""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
DEFAULTS = ("templates", "playbooks", "inventory", "docker")
LOCAL_ONLY = {"inventory/lab.yml"}  # written by `provision lab up`, true of one machine only


class BuildWithDefaults(build_py):
    """Copy the top-level defaults into the built package."""

    def run(self) -> None:
        super().run()
        for folder in DEFAULTS:
            for source in sorted((HERE / folder).rglob("*")):
                name = source.relative_to(HERE)
                if not source.is_file() or "__pycache__" in name.parts or str(name) in LOCAL_ONLY:
                    continue
                target = Path(self.build_lib) / "provision" / "defaults" / name
                self.mkpath(str(target.parent))
                self.copy_file(str(source), str(target))


setup(
    name="generals-provision",
    version="0.1.0",
    description="Turn a list of machines into a running Generals RL training cluster",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["provision", "provision.*"]),
    package_data={"provision": ["py.typed", "stack/*.json"]},
    install_requires=[
        "click>=8.1",
        "docker>=7.0",
        "fabric>=3.2",
        "jinja2>=3.1",
        "jsonschema>=4.20",
        "paramiko>=3.4",
        "pytest>=8.0",
        "pytest-testinfra>=10.1",
        "pyyaml>=6.0",
        "rich>=13.7",
    ],
    extras_require={
        "dev": [
            "ansible-core>=2.16",
            "build>=1.0",
            "hypothesis>=6.100",
            "mypy>=1.10",
            "ruff>=0.5",
            "types-PyYAML",
            "types-docker",
            "types-jsonschema",
            "types-paramiko",
        ],
    },
    entry_points={"console_scripts": ["provision=provision.cli.main:main"]},
    cmdclass={"build_py": BuildWithDefaults},
)
