# Everything starts here: `make demo` shows the main job on lab hosts, `make test` proves it.

VENV   := .venv
PYTHON := $(VENV)/bin/python
READY  := $(VENV)/.ready
BENCH  := .venv-bench

# Tests that were compiled once start seconds sooner in every worker.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-long test-faults unit local lint bench prerequisites clean

help:
	@echo "make demo   three lab hosts, bare -> a verified stack that learns (needs Docker)"
	@echo "make test   linters, unit tests, tests on lab hosts"
	@echo "make test-long  what takes minutes each: learning, rollbacks, image builds, a compiled driver"
	@echo "make test-faults  break hosts in every phase of a deploy, and at every step (half an hour)"
	@echo "make unit   linters and unit tests alone: no Docker, no network"
	@echo "make local  whole plays and sessions on this machine; our answers beside ansible-core's"
	@echo "make bench  compare speed with Ansible, pyinfra and a script by hand (8 minutes)"
	@echo "make clean  remove the lab and the virtual environment"

prerequisites:
	@python3 provision/lab/prerequisites.py --install

$(READY): setup.py
	@test -x $(PYTHON) || python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $(READY)

demo: prerequisites $(READY)
	$(VENV)/bin/provision lab up
	$(VENV)/bin/provision deploy --inventory inventory/lab.yml
	$(VENV)/bin/provision deploy --inventory inventory/lab.yml
	$(VENV)/bin/provision status --inventory inventory/lab.yml --wait-for 'win_rate>0.8'

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# A file's tests stay together: what they share is made once.
PARALLEL := --numprocesses 2 --dist loadfile

# Without the plugin, which loads all of hypothesis to say nothing of tests that do not use it.
unit: lint
	$(PYTHON) -m pytest -q $(PARALLEL) -p no:hypothesispytest tests/unit

local: $(READY)
	$(PYTHON) -m pytest -q $(PARALLEL) tests/local

# Tests on hosts: a folder shares a lab and stays with one worker; the longest begin first.
TOGETHER := --dist loadscope --no-loadscope-reorder
# What takes minutes each: a stack that learns, rollbacks, image builds, a driver compiled for a kernel.
LONG := $(patsubst %,tests/integration/%,nvidia/test_dkms.py releases reference trainers learner images)
FIRST := tests/integration/deploy tests/faults
FOLDERS := $(FIRST) $(filter-out $(FIRST) $(LONG),$(patsubst %/,%,$(sort $(dir $(wildcard tests/integration/*/test_*.py)))))

# More workers than cores: most of the time these tests wait, for a host or until a time is up.
test: prerequisites unit local
	$(PYTHON) -m pytest -q --numprocesses 4 $(TOGETHER) $(FOLDERS) tests/integration/test_*.py docker/reference/tests $(LONG:%=--ignore=%)

test-long: prerequisites $(READY)
	$(PYTHON) -m pytest -q --numprocesses 2 $(TOGETHER) $(LONG)

# Every fault in every phase of a deploy, and the agent killed at every step: half an hour on two cores.
test-faults: prerequisites $(READY)
	PROVISION_FAULTS=whole $(PYTHON) -m pytest -q --numprocesses 3 tests/faults

$(BENCH)/.ready: benchmarks/requirements.txt
	@test -x $(BENCH)/bin/python || python3 -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench: prerequisites $(READY) $(BENCH)/.ready
	$(PYTHON) benchmarks/speed.py
	$(PYTHON) benchmarks/memory.py
	$(PYTHON) benchmarks/deploy.py

clean:
	-$(VENV)/bin/provision lab down --all
	rm -rf $(VENV) $(BENCH) build dist *.egg-info
