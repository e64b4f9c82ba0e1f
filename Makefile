# Everything a developer types. `make run` and `make test` set up what they need by themselves.

VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.PHONY: run test lint demo bench soak migrate openapi audit clean

run: $(VENV)/.run  ## Serve on port 8000, in the sandbox when there is no .env
	@test -f .env || export SANDBOX=$${SANDBOX:-true}; \
	test -f .env || echo "There is no .env: SANDBOX=$$SANDBOX. Copy .env.example to .env for the real thing."; \
	exec $(BIN)/python -m uvicorn main:app --host $(HOST) --port $(PORT) --timeout-graceful-shutdown 10

test: $(VENV)/.dev  ## The whole suite
	$(BIN)/python -m pytest

lint: $(VENV)/.dev  ## Style, types, and which way the imports run
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

demo: $(VENV)/.run  ## One whole interview against the running server
	$(BIN)/python scripts/demo.py --base-url http://$(HOST):$(PORT)

bench: $(VENV)/.bench  ## Speed, beside baselines measured in the same run
	$(BIN)/python scripts/bench.py

soak: $(VENV)/.dev  ## Five minutes of mixed load with faults
	$(BIN)/python scripts/soak.py

migrate: $(VENV)/.run  ## Bring the database of DATABASE_URL up to date by hand
	$(BIN)/python -m services.storage.migrate

openapi: $(VENV)/.dev  ## Write openapi.json anew
	$(BIN)/python scripts/write_openapi.py

audit: $(VENV)/.dev  ## Known vulnerabilities of what we install
	$(BIN)/pip-audit -r requirements.txt

clean:  ## Remove the environment and the caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; install it, or say where: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run

$(VENV)/.bench: requirements-bench.txt requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@ $(VENV)/.dev $(VENV)/.run
