# `make` lists the commands.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two workers, one file each at a time, so that costly fixtures are made once; tests/conftest.py
# says which files come first.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
DATA ?=
# Drills inject a sample of all faults. It is drawn anew each time, unless a seed is named.
ifndef SEED
SEED := $(shell date +%s)
endif

.DEFAULT_GOAL := help
.PHONY: help setup report refresh test coverage drills data bench lint lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10
	@echo
	@echo "DATA=folder names your data for 'make report'; without it: data/raw, or the sample where that is empty."

setup: $(READY) ## the environment for development, and the checks before each commit
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/pre-commit install; \
	  else echo "Not a git checkout: the checks before each commit were not installed."; fi

report: export REPORT_DATA = $(DATA)
report: $(READY) ## everything: environment, data, build, book (DATA=folder)
	@$(BIN)/python -m report

refresh: $(READY) ## new files in, a new report out: FILES="a.csv b.csv" (add ARGS=--dry-run to try)
	@test -n "$(FILES)$(ARGS)" || { echo 'Name the new files: make refresh FILES="..."'; exit 2; }
	@$(BIN)/python -m analysis refresh $(FILES) $(ARGS)

test: $(READY) ## everything: environment, test suite
	@$(BIN)/python -m pytest $(WORKERS) -m "not drill"

coverage: $(READY) ## the test suite, and which lines of our code it runs: the least covered first
	@$(BIN)/python -m pytest $(WORKERS) -m "not drill" --cov --cov-report=term

drills: $(READY) ## slow tests: books, builds, injected faults (SEED=n repeats a draw, ALL=1: every fault)
	@echo "Injecting $(if $(ALL),every fault,a sample of the faults; SEED=$(SEED) repeats it)"
	@SEED=$(SEED) ALL=$(ALL) $(BIN)/python -m pytest $(WORKERS) -m drill

data: $(READY) ## download the public gift-shop ledger into data/raw
	@$(BIN)/python -m analysis.ingest.download

bench: $(READY) ## time and memory beside SQL, Polars, pandas and peers
	@$(BIN)/python -m benchmarks

lint: $(READY) ## style, spelling, types and import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell && $(BIN)/mypy \
	  && $(BIN)/lint-imports

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --extra dev --extra bench \
	  pyproject.toml --upgrade --output-file requirements.lock

clean: ## remove all that was made, except data/raw, the releases, and what is published
	rm -rf $(VENV) build _book .quarto data/sample _environment.local
	rm -rf .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# The environment is made anew when the lock file changes, and only then.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "This needs Python 3.11 or later; name one: make PYTHON=python3.12 ..."; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python lacks venv. On Debian or Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@echo "Installing the pinned libraries into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --no-deps -r requirements.lock
	@# A bare 'quarto render' finds this interpreter here.
	@echo "QUARTO_PYTHON=$(CURDIR)/$(BIN)/python" > _environment.local
	@touch $@
