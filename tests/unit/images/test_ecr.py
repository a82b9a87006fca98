"""Names of ECR's registries; the tokens are asked for in tests/integration/ec2."""

from __future__ import annotations

import pytest

from provision.errors import TaskError
from provision.images.ecr import ecr_login


@pytest.mark.parametrize(
    "server",
    [
        "registry.example.org",
        "public.ecr.aws",
        "12345.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team",
        "",
    ],
)
def test_other_registries_are_refused(server: str) -> None:
    with pytest.raises(TaskError, match="is no registry of ECR") as caught:
        ecr_login(server)
    assert "dkr.ecr" in (caught.value.hint or "")
