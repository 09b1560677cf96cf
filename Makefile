# Zhirong. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

.PHONY: help setup setup-dev demo test test-all test-quick bench check fmt docs serve lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.uv: requirements/bootstrap.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or later is needed; name it with: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.core: $(VENV)/.uv requirements/core.txt pyproject.toml
	@echo "installing (a few hundred MB the first time) ..."
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/core.txt
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.core requirements/dev.txt
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.core ## make .venv with what the product needs
setup-dev: $(VENV)/.dev ## ... and with what tests and documentation need

demo: $(VENV)/.core ## make a synthetic world, value it, write a report (demo-report/)
	$(BIN)/zhirong demo --out demo-report

test: $(VENV)/.dev ## run the tests; says what optional tool is missing
	$(BIN)/python tools/doctor.py
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

test-all: $(VENV)/.dev ## install system tools (apt-get), run every test, the slow ones too; nothing is skipped
	$(BIN)/python tools/doctor.py --install
	$(BIN)/python -m pytest -n 2 --dist loadgroup --all $(ARGS)

test-quick: $(VENV)/.dev ## the quick loop: DuckDB only
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not spark and not cluster and not slow" $(ARGS)

check: $(VENV)/.dev ## lint, format, types, layers, own rules, documentation builds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/lints/safe_operators.py src/zhirong
	$(BIN)/python tools/generate_docs.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

fmt: $(VENV)/.dev ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.core benchmarks/.env/.ready ## compare with peers and physical limits; writes benchmarks/results
	$(BIN)/python benchmarks/run.py $(ARGS)

benchmarks/.env/.ready: requirements/bench.txt $(VENV)/.uv
	$(PYTHON) -m venv benchmarks/.env
	$(UV) pip install --quiet --compile-bytecode --python benchmarks/.env/bin/python --require-hashes -r requirements/bench.txt
	@touch $@

docs: $(VENV)/.dev ## generate the reference pages and build the documentation (site/)
	$(BIN)/python tools/generate_docs.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

serve: $(VENV)/.dev ## read the documentation at 127.0.0.1:8001
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --dev-addr 127.0.0.1:8001

LOCK = $(UV) pip compile --universal --generate-hashes --no-emit-index-url --quiet --python-version 3.11 --custom-compile-command "make lock"
lock: $(VENV)/.uv ## resolve the hashed requirement files again
	echo "uv>=0.8" | $(LOCK) - -o requirements/bootstrap.txt
	$(LOCK) pyproject.toml -o requirements/core.txt
	$(LOCK) --extra spark pyproject.toml -o requirements/spark.txt
	$(LOCK) --extra platform pyproject.toml -o requirements/platform.txt
	$(LOCK) --extra semantic pyproject.toml -o requirements/semantic.txt
	$(LOCK) --extra learning pyproject.toml -o requirements/learning.txt
	$(LOCK) --extra docs pyproject.toml -o requirements/docs.txt
	$(LOCK) --extra dev --extra docs --extra spark pyproject.toml -o requirements/dev.txt
	$(LOCK) --resolution lowest-direct pyproject.toml -o requirements/lowest.txt
	$(LOCK) requirements/bench.in -o requirements/bench.txt

clean: ## remove what make made
	rm -rf $(VENV) benchmarks/.env demo-report site dist build
