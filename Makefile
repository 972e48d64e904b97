# `make` lists the commands.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What a command needs is installed when it first runs: a report needs less than the tests do.
REPORT := $(VENV)/.ready
TEST := $(VENV)/.ready-test
BENCH := $(VENV)/.ready-bench
DEV := $(VENV)/.ready-dev
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

setup: $(DEV) ## the environment for development, and the checks before each commit
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/pre-commit install; \
	  else echo "Not a git checkout: the checks before each commit were not installed."; fi

report: export REPORT_DATA = $(DATA)
report: $(REPORT) ## everything: environment, data, build, book (DATA=folder)
	@$(BIN)/python -m report

refresh: $(REPORT) ## new files in, a new report out: FILES="a.csv b.csv" (add ARGS=--dry-run to try)
	@test -n "$(FILES)$(ARGS)" || { echo 'Name the new files: make refresh FILES="..."'; exit 2; }
	@$(BIN)/python -m analysis refresh $(FILES) $(ARGS)

test: $(TEST) ## everything: environment, test suite
	@$(BIN)/python -m pytest $(WORKERS) -m "not drill"

coverage: $(TEST) ## the test suite, and which lines of our code it runs: the least covered first
	@$(BIN)/python -m pytest $(WORKERS) -m "not drill" --cov --cov-report=term

drills: $(TEST) $(BENCH) ## slow tests: books, builds, injected faults (SEED=n repeats a draw, ALL=1: every fault, AXE=folder: with axe)
	@echo "Injecting $(if $(ALL),every fault,a sample of the faults; SEED=$(SEED) repeats it)"
	@SEED=$(SEED) ALL=$(ALL) $(BIN)/python -m pytest $(WORKERS) -m drill

data: $(REPORT) ## download the public gift-shop ledger into data/raw
	@$(BIN)/python -m analysis.ingest.download

bench: $(BENCH) ## time and memory beside SQL, Polars, pandas and peers
	@$(BIN)/python -m benchmarks

lint: $(DEV) ## style, spelling, types and import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell && $(BIN)/mypy \
	  && $(BIN)/lint-imports

# The development lock holds everything; the others take their versions from it.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate pyproject.toml
lock: ## renew the lock files from pyproject.toml (needs uv)
	$(LOCK) --upgrade --extra dev --output-file requirements-dev.lock
	$(LOCK) --upgrade --constraint requirements-dev.lock --output-file requirements.lock
	for extra in offline test bench; do \
	  $(LOCK) --upgrade --constraint requirements-dev.lock --extra $$extra \
	    --output-file requirements-$$extra.lock || exit 1; done

clean: ## remove all that was made, except data/raw, the releases, and what is published
	rm -rf $(VENV) build _book .quarto data/sample _environment.local
	rm -rf .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# The environment is made anew when the lock file changes, and only then. `uv` installs it where it
# is on the PATH, else pip. Compiled is what our modules import, even where Python is told to write
# no bytecode; the rest would be another 150 MB.
PIP = $(if $(shell command -v uv),uv pip install --python $(BIN)/python,$(BIN)/python -m pip \
  install --disable-pip-version-check --no-compile) --quiet --require-hashes --no-deps --requirement

define IMPORT_ALL
import importlib, pkgutil, analysis, ipykernel.kernelapp, nbclient
for module in pkgutil.walk_packages(analysis.__path__, 'analysis.'):
    importlib.import_module(module.name)
endef
export IMPORT_ALL

$(REPORT): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "This needs Python 3.11 or later; name one: make PYTHON=python3.12 ..."; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python lacks venv. On Debian or Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@echo "Installing the pinned libraries into $(VENV) (once)"
	@$(PIP) $<
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c "$$IMPORT_ALL"
	@# A bare 'quarto render' finds this interpreter here.
	@echo "QUARTO_PYTHON=$(CURDIR)/$(BIN)/python" > _environment.local
	@touch $@

$(TEST) $(BENCH) $(DEV): $(VENV)/.ready-%: requirements-%.lock $(REPORT)
	@echo "Installing what '$*' needs besides (once)"
	@$(PIP) $<
	@touch $@
