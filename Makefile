# The commands of this house. Everything is installed in .venv and kept in var/; nothing else is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROJECTS := sdk/pyproject.toml shell/pyproject.toml $(wildcard fragments/*/pyproject.toml services/*/pyproject.toml)
MEMBERS := $(patsubst %/pyproject.toml,%,$(PROJECTS))
PACKAGES := jogakbo jogakbo_shell $(foreach kind,fragment service,$(patsubst %,%_$(kind),menu orders inventory till reports)) gateway_service

TESTS := $(sort $(dir $(wildcard sdk/tests/*.py shell/tests/*.py fragments/*/tests/*.py services/*/tests/*.py)))

# The Python at hand is the one that is used; none is fetched.
export UV_PYTHON_DOWNLOADS := never
# Compiled modules make the second start fast.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install up test check bench bench-compose bench-live bench-orders chaos-live chaos-orders format docs lock reset

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@echo "  PORT=9000 make up   the same with the portal on another port"

install: $(VENV)/installed ## make .venv (the other commands do it when it is needed)

up: install ## run the portal; Ctrl-C ends it
	@$(BIN)/jogak up --with-parent $(ARGS)

test: install ## run every test, in a real browser too
	@sh e2e/ensure_browser.sh $(BIN)/python
	@sh shell/tests/ensure_varnish.sh
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(ARGS)

check: install ## look for faults without running anything: style, types, imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(PACKAGES:%=--package %)
	$(BIN)/mypy --config-file tests/mypy.ini $(TESTS) tests e2e bench chaos shell/bench $(wildcard services/*/bench) deploy docs
	$(BIN)/lint-imports

bench: install ## measure what it costs and how fast it is, on this machine
	$(BIN)/python -m bench.portal_figures

bench-compose: install ## measure composition beside nginx, Varnish, Podium and others (ARGS=--quick: three minutes)
	$(BIN)/python -m bench.compose $(ARGS)

bench-live: install ## measure live beside Nchan, sse-starlette and Node (ARGS=--quick: five minutes)
	$(BIN)/python -m bench.live $(ARGS)

bench-orders: install ## measure the back office: orders a second, a close, a rebuild (ARGS=--quick: two minutes)
	$(BIN)/python -m bench.orders $(ARGS)

chaos-live: install ## break a small portal on purpose: is any open page ever wrong for long? (half an hour; ARGS=--help)
	@sh e2e/ensure_browser.sh $(BIN)/python
	$(BIN)/python -m chaos.live $(ARGS)

chaos-orders: install ## break the back office on purpose: is anything lost, or done twice? (ten minutes; ARGS=--help)
	$(BIN)/python -m chaos.orders $(ARGS)

format: install ## put the code into the house's form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: install ## write the tables of settings in docs/operations.md from the code
	$(BIN)/python docs/settings.py

lock: install ## choose versions anew (UPGRADE=--upgrade takes the newest)
	$(BIN)/uv pip compile $(PROJECTS) --all-extras --group pyproject.toml:dev --generate-hashes --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-package jogakbo \
		$(UPGRADE) --quiet --output-file requirements.lock

reset: ## forget all data and logs
	@if $(BIN)/jogak status >/dev/null 2>&1; then echo "the portal runs: end it first (Ctrl-C, or .venv/bin/jogak stop)"; exit 1; fi
	rm -rf var

$(VENV)/installed: requirements.lock $(PROJECTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# uv itself comes from the lock too, with its hashes.
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(MEMBERS:%=--editable %)
	@# Compile what every start imports; done here, it costs no start its time or its memory.
	$(BIN)/python -c 'from jogakbo.cli.preload import SHARED, preload; preload(SHARED)'
	@touch $@
