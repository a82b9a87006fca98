"""What is read out of the output of Docker's builders; the samples are recorded."""

from __future__ import annotations

from provision.images.progress import Output, Step

COMPILE = "RUN echo compiling && echo './main.go:3:1: syntax error' >&2 && exit 2"

LEGACY = f"""\
DEPRECATED: The legacy builder is deprecated and will be removed in a future release.
            Install the buildx component to build images with BuildKit:
            https://docs.docker.com/go/buildx/

Sending build context to Docker daemon  10.24kB
Step 1/6 : ARG BASE
Step 2/6 : FROM ${{BASE}} AS builder
 ---> ac46b84090aa
Step 3/6 : COPY main.go ./
 ---> 7c7003d6db9a
Step 4/6 : {COMPILE}
 ---> Running in 4cb736087dad
compiling
\x1b[91m./main.go:3:1: syntax error
\x1b[0mThe command '/bin/sh -c …' returned a non-zero code: 2
"""

BUILDKIT = f"""\
#1 [internal] load remote build context
#1 sha256:9c64a424030e46fa0fa12cdf21ce5e3ea5a81d0793b7a9e1c0b3420daf1c9de5
#1 DONE 0.0s

#3 [internal] load metadata for docker.io/library/base:1
#3 DONE 0.0s

#5 [builder 2/3] COPY main.go ./
#5 sha256:f11ce6c41005fdd56d82d0799b78813c347195ecda8138556f6d979f5462fd02
#5 CACHED

#6 [builder 3/3] {COMPILE}
#6 sha256:8c0a07ddbf082fdcea6fa84c771e37ae20c45c2bcd0d7b759c30dee0d8f105eb
#6 0.774 compiling
#7 [stage-1 1/2] FROM docker.io/library/base:1
#7 0.100 something else at the same time
#6 [builder 3/3] {COMPILE}
#6 0.790 ./main.go:3:1: syntax error
#6 ERROR: executor failed running [/bin/sh -c …]: exit code: 2
------
 > [builder 3/3] {COMPILE}:
0.790 ./main.go:3:1: syntax error
------
executor failed running [/bin/sh -c …]: exit code: 2
"""

NO_BASE = """\
#2 [internal] load metadata for docker.io/library/golang:1.26.8-bookworm
#2 ERROR: failed to do request: dial tcp: lookup registry-1.docker.io: no such host
------
 > [internal] load metadata for docker.io/library/golang:1.26.8-bookworm:
------
failed to solve with frontend dockerfile.v0: failed to do request
"""


def heard(text: str) -> tuple[Output, list[Step]]:
    output = Output()
    steps = [output.read(line) for line in text.splitlines()]
    return output, [step for step in steps if step is not None]


def test_the_older_builder() -> None:
    output, steps = heard(LEGACY)
    assert [step.place for step in steps] == ["1/6", "2/6", "3/6", "4/6"]
    assert output.step == Step("4/6", COMPILE)
    assert output.tail == [
        "compiling",
        "./main.go:3:1: syntax error",
        "The command '/bin/sh -c …' returned a non-zero code: 2",
    ]


def test_buildkit_mixes_what_runs_side_by_side() -> None:
    output, steps = heard(BUILDKIT)
    assert [step.place for step in steps] == ["builder 2/3", "builder 3/3", "stage-1 1/2"]
    assert str(output.step) == f"step builder 3/3: {COMPILE}"
    assert output.tail == [
        "compiling",
        "./main.go:3:1: syntax error",
        "executor failed running [/bin/sh -c …]: exit code: 2",
    ]


def test_a_base_image_that_cannot_be_had() -> None:
    older, _ = heard("Step 1/2 : FROM nosuch:1\npull access denied for nosuch\n")
    assert older.lacks_base
    output, steps = heard(NO_BASE)
    assert (output.step, steps, output.lacks_base) == (None, [], True)
    assert output.tail == [
        "[internal] load metadata for docker.io/library/golang:1.26.8-bookworm",
        "failed to do request: dial tcp: lookup registry-1.docker.io: no such host",
    ]


def test_what_fails_before_any_step() -> None:
    output, _ = heard("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n")
    assert (output.step, output.lacks_base) == (None, False)
    assert output.tail == ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock."]


def test_only_the_last_lines_are_kept() -> None:
    output, _ = heard("Step 1/1 : RUN seq 100\n" + "\n".join(map(str, range(100))))
    assert output.tail == [str(number) for number in range(80, 100)]
