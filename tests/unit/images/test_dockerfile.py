from __future__ import annotations

import pytest

from provision.images.dockerfile import parse

TEXT = """\
# ARG COMMENTED=1
ARG GO_IMAGE=golang:1.26.8
ARG QUOTED="a b"
ARG BARE
FROM ${GO_IMAGE} AS builder
ARG GO_IMAGE
copy go.mod \\
  # inside an instruction
  go.sum* ./
COPY --chown=1:1 ./cmd/ /src/cmd/
COPY . .
COPY ["a file", "to/"]
FROM scratch
COPY --from=builder /out/x /x
COPY go.mod /again
"""


def test_arguments_have_their_defaults_wherever_they_are_declared_again() -> None:
    assert parse(TEXT).arguments == {
        "GO_IMAGE": "golang:1.26.8",
        "QUOTED": "a b",
        "BARE": None,
    }


def test_copied_is_what_comes_out_of_the_context() -> None:
    assert parse(TEXT).copied == ("go.mod", "go.sum*", "cmd", ".", "a file")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n", "FROM a \\"])
def test_little_is_nothing(text: str) -> None:
    assert parse(text).copied == ()
