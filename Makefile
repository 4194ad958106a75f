# Everything runs in .venv, which is made first where it is missing or out of date; nothing needs to be activated.
# Plain enough for the GNU make 3.81 that macOS has.

VENV   := .venv
PYTHON := $(VENV)/bin/python
STAMP  := $(VENV)/.set-up
ARGS   ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test soak six-hours check fmt bench bench-engine chaos mutants fuzz fuzz-expressions lock clean

# An environment whose Python is gone (an upgrade, a move) is made again.
ifneq ($(shell $(PYTHON) -c 'print(1)' 2>/dev/null),1)
$(shell rm -f $(STAMP))
endif

help: ## list what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## make .venv with the pinned requirements (the others do it first)

$(STAMP): requirements-dev.txt pyproject.toml scripts/set-up.sh
	@./scripts/set-up.sh
	@touch $@

demo: $(STAMP) ## start everything and show two orders, and two as data; ARGS=--once ends by itself
	@$(PYTHON) main.py demo $(ARGS)

# Tests wait more than they compute: three at a time keep two cores busy.
test: $(STAMP) ## run all tests; ARGS go to pytest
	$(PYTHON) -m pytest --numprocesses 3 --dist loadfile $(ARGS)

soak: $(STAMP) ## walk 20,000 random definitions, and hold each run against what must be true of all
	FLOWFORGE_RANDOM_RUNS=20000 $(PYTHON) -m pytest --timeout=0 tests/unit/engine/core/test_random_runs.py $(ARGS)

six-hours: $(STAMP) ## have each undo fail for six hours, which Temporal's test server skips (needs Java and Maven)
	./scripts/fetch-time-skipping-server.sh "$${FLOWFORGE_DATA_DIR:-.flowforge}/time-skipping"
	$(PYTHON) -m pytest tests/time_skipping/check_six_hours.py $(ARGS)

check: $(STAMP) ## lint, format, types, direction of imports
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

fmt: $(STAMP) ## format the code and repair what can be repaired
	$(PYTHON) -m ruff check --fix-only .
	$(PYTHON) -m ruff format .

bench: $(STAMP) ## measure, and write docs/performance.md and docs/performance-engine.md
	@$(PYTHON) main.py bench $(ARGS)

bench-engine: $(STAMP) ## measure definitions only, and write docs/performance-engine.md
	@$(PYTHON) main.py bench --only engine --rounds 3 $(ARGS)

fuzz: $(STAMP) ## 20,000 made-up requests to a running FlowForge, and clients that misbehave
	$(PYTHON) -m pytest tests/fuzz --requests 20000 $(ARGS)

fuzz-expressions: $(STAMP) ## 200,000 made-up expressions, each held against a real JavaScript
	FUZZ_EXPRESSIONS=200000 $(PYTHON) -m pytest tests/unit/engine/expressions/test_fuzz.py $(ARGS)

chaos: $(STAMP) ## kill everything for the better part of an hour, and write docs/reliability.md; ARGS='--minutes 5 --seed 7'
	@$(PYTHON) -m chaos $(ARGS)

mutants: $(STAMP) ## break each guarantee, and see the test that must notice turn red
	$(PYTHON) -m pytest mutants $(ARGS)

lock: ## pin the requirements anew, after a change in pyproject.toml (needs uv)
	uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url \
		--python-version 3.11 --custom-compile-command "make lock" -o requirements.txt
	uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url \
		--python-version 3.11 --custom-compile-command "make lock" --group dev -o requirements-dev.txt

clean: ## remove the environment and caches; .flowforge, which holds orders, stays
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
