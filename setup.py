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
LOCAL_PARTS = {"__pycache__", "tests", ".pytest_cache", ".hypothesis"}


class BuildWithDefaults(build_py):
    """Copy the top-level defaults into the built package."""

    def run(self) -> None:
        """Build the package, then add the defaults."""
        super().run()
        for folder in DEFAULTS:
            for source in sorted((HERE / folder).rglob("*")):
                name = source.relative_to(HERE)
                if source.is_file() and not _is_local(name):
                    self._ship(source, name)

    def _ship(self, source: Path, name: Path) -> None:
        target = Path(self.build_lib) / "provision" / "defaults" / name
        self.mkpath(str(target.parent))
        self.copy_file(str(source), str(target))


def _is_local(name: Path) -> bool:
    """Tell whether a file is of this checkout alone: generated, or a test."""
    return bool(LOCAL_PARTS & set(name.parts)) or str(name) in LOCAL_ONLY or "_pb2" in name.name


setup(
    name="generals-provision",
    version="0.1.0",
    description="Turn a list of machines into a running Generals RL training cluster",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["provision", "provision.*"]),
    package_data={
        "provision": ["py.typed", "stack/*.json", "report/html/page.*", "tasks/nvidia/data/*"]
    },
    install_requires=[
        "click>=8.1",
        "cryptography>=42",
        "docker>=7.0",
        "fabric>=3.2",
        "jinja2>=3.1",
        "jsonschema>=4.20",
        "paramiko>=3.4",
        "pytest>=8.4",
        "pytest-testinfra>=10.1",
        "pyyaml>=6.0",
        "rich>=13.7",
    ],
    extras_require={
        "aws": ["boto3>=1.34"],  # EC2 inventories, logins at ECR
        "dev": [
            "ansible-core>=2.19",
            "boto3>=1.34",
            "build>=1.0",
            "grpcio>=1.60",
            "grpcio-health-checking>=1.60",
            "grpcio-tools>=1.60",
            "hypothesis>=6.100",
            "moto[s3,server]>=5.0",
            "mypy>=1.10",
            "numpy>=1.26",
            "prometheus-client>=0.20",
            "pytest-xdist>=3.5",
            "redis>=5.0",
            "ruff>=0.5",
            "types-PyYAML",
            "types-docker",
            "types-jsonschema",
            "types-paramiko",
        ],
    },
    entry_points={
        "console_scripts": ["provision=provision.cli.main:main"],
        "pytest11": ["provision=provision.cli.pytest_plugin"],
    },
    cmdclass={"build_py": BuildWithDefaults},
)
