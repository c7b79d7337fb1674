# make run     the gateway in the foreground, in an environment of its own (.venv)
# make test    everything that must hold before a change goes in
# make demo    the twelve rows of the matrix, call by call, on this machine
# make help    the rest

PYTHON ?= python3
CONFIG ?= config/gateway.yaml
BIN := .venv/bin
TEST_PACKAGES := sip-tester tshark sipsak socat prometheus openssl sqlite3 systemd postgresql
DEMO_PACKAGES := sip-tester
BENCH_PACKAGES := sip-tester kamailio kamailio-sqlite-modules sqlite3

# FAST=1: run uses what make fast compiled.
ifdef FAST
export PYTHONPATH := $(CURDIR)/build/fast
FAST_STAMP := build/fast/stamp
endif

.PHONY: fast help run test demo bench lint lock clean
.DEFAULT_GOAL := help

help:
	@echo "make run     the gateway in the foreground: CONFIG=$(CONFIG)"
	@echo "make test    format, lint, types, imports, tests with branch coverage"
	@echo "make demo    the twelve rows of the matrix, with SIPp on both sides"
	@echo "make bench   CPU per call beside Kamailio on this machine"
	@echo "make fast    the pure rooms as machine code: make run FAST=1"
	@echo "make lint    what make test runs before the tests"
	@echo "make lock    requirements*.lock anew from pyproject.toml"
	@echo "make clean   remove .venv and what tools left behind"

run: .venv/run.stamp $(FAST_STAMP)
	exec $(BIN)/tollbar run --config $(CONFIG)

# Most tests wait for peers, so files run side by side; those that judge what happens under load
# have the machine to themselves.
test: lint
	$(call debian,$(TEST_PACKAGES))
	$(BIN)/pytest -m "not alone" --numprocesses auto --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder --cov --cov-report=
	$(BIN)/pytest -m alone --cov --cov-append --cov-report=term:skip-covered

lint: .venv/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: .venv/run.stamp
	$(call debian,$(DEMO_PACKAGES))
	$(BIN)/python sipp-scenarios/play.py

bench: .venv/test.stamp
	$(call debian,$(BENCH_PACKAGES))
	$(BIN)/python bench/run.py $(BENCH)

# The rooms without I/O, compiled by mypyc (a C compiler and Python's headers are needed). The
# same sources, the same behaviour; only what they cost differs.
FAST_SOURCES = $(shell cd src && echo tollbar/sip/*.py tollbar/policy/*.py tollbar/b2bua/*.py) \
	tollbar/cdr/ledger.py tollbar/cdr/record.py tollbar/net/driver.py tollbar/net/udp.py \
	tollbar/log.py tollbar/metrics.py
fast: build/fast/stamp
build/fast/stamp: .venv/test.stamp $(shell find src -name '*.py')
	$(call debian,gcc python3-dev)
	rm -rf build/fast
	mkdir -p build/fast
	cp -r src/tollbar build/fast/
	cd build/fast && ../../$(BIN)/mypyc --config-file ../../pyproject.toml $(FAST_SOURCES) \
		>mypyc.log 2>&1 || { tail -5 mypyc.log >&2; exit 1; }
	touch $@

# Names, versions and the hashes of every file the index has for them; never an index. Extras
# stay in the names: a pip of 2023 takes "coverage" pinned and "coverage[toml]" asked for by
# another package for two things, and looks for the newest of the second.
LOCK := build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-annotate --no-header --upgrade pyproject.toml -
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet uv
	echo "setuptools>=77" | $(LOCK) --output-file requirements.lock
	echo "setuptools>=77" | $(LOCK) --extra test --constraint requirements.lock \
		--output-file requirements-test.lock

clean:
	rm -rf .venv build dist var .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, again whenever a lock file or pyproject.toml changed.
.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/pip
	$(call install,requirements.lock)
.venv/test.stamp: requirements-test.lock pyproject.toml | .venv/bin/pip
	$(call install,requirements-test.lock)
	touch .venv/run.stamp

# Debian keeps ensurepip in a package of its own.
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(if $(shell $(PYTHON) -c 'import ensurepip' 2>&1),$(call debian,python3-venv))
	$(PYTHON) -m venv .venv

define install
	$(BIN)/pip install --quiet --require-hashes -r $(1)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@
endef

# Debian packages that are missing: installed where that is allowed, else named.
define debian
	@deploy/debian-packages.sh $(1)
endef
