# All commands of a developer. `make run` and `make test` install what they need.

VENV := .venv
BIN := $(VENV)/bin
# not ?=, since shells and conda export a HOST that means something else; `make run HOST=0.0.0.0` works
HOST = 127.0.0.1
PORT ?= 8000
TEST_PROCESSES ?= 4
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.PHONY: run test lint demo test-model bench soak migrate openapi lock audit clean

run: $(VENV)/.run  ## Serve on port 8000; in the sandbox when no vendor key is set
	@exec $(BIN)/python scripts/serve.py --host $(HOST) --port $(PORT)

# Each file is run by one process, so that its tests share servers. Many tests only wait, so more processes than cores
# help. A process that crashes is a failed test, and is not started again.
test: $(VENV)/.dev  ## The whole suite
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --max-worker-restart 0

lint: $(VENV)/.dev  ## Style, types and layers
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

demo: $(VENV)/.run  ## One whole interview against the running server; API_KEY=<key> where it asks for one
	$(BIN)/python scripts/demo.py --base-url http://$(HOST):$(PORT)

test-model: $(VENV)/.dev  ## One whole interview with a model of your own: BASE_URL=http://localhost:11434/v1 MODEL=llama3.2
	@test -n "$(BASE_URL)" -a -n "$(MODEL)" || { echo "Name both: make test-model BASE_URL=http://localhost:11434/v1 MODEL=llama3.2"; exit 1; }
	$(BIN)/python scripts/test_model.py --base-url "$(BASE_URL)" --model "$(MODEL)"

bench: $(VENV)/.bench  ## Speed, beside baselines measured in the same run
	$(BIN)/python scripts/bench.py

soak: $(VENV)/.dev  ## Ten minutes of mixed load with random faults and one hostile caller
	$(BIN)/python scripts/soak.py

migrate: $(VENV)/.run  ## Migrate the database of DATABASE_URL; the service does so at start
	$(BIN)/python -m services.storage.migrate

openapi: $(VENV)/.dev  ## Write openapi.json
	$(BIN)/python scripts/write_openapi.py

lock: $(VENV)/.dev  ## Write requirements.lock after a change of requirements.txt
	$(BIN)/python scripts/write_lock.py

audit: $(VENV)/.dev  ## Known vulnerabilities of the dependencies
	$(BIN)/pip-audit -r requirements.txt

clean:  ## Remove the virtual environment and the caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=/path/to/python3"; exit 1; }
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
