# Everything starts here. Needs make and Python 3.11 or newer; the rest it fetches into .venv itself.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
# everything runs on all cores, a file to a worker, as many and in the order that tests/conftest.py says; what one names runs alone
WORKERS = $(if $(ARGS),,-n auto --dist loadfile --no-loadscope-reorder)

# always `python -m`: works too when the folder was moved
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check
INSTALL = $(PIP) install

RUNTIME := $(VENV)/.runtime-installed
TOOLS := $(VENV)/.tools-installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install setup demo run migrate backup restore verify test lint check coverage bench

help: ## Show this list
	@echo 'Maakav. make TARGET [PYTHON=python3.12] [VENV=.venv] [PORT=8080]'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

install: $(RUNTIME) ## Make .venv with what Maakav needs to run, and nothing else

setup: $(TOOLS) ## Make .venv with everything that runs, tests and checks need
	@echo 'Ready: make demo, make run, make test.'

demo: ## Load the demo data if it is not there yet, then serve on http://localhost:8080
run: ## Serve with the data in data/ (an empty one is made); settings in .env
migrate: ## Bring the database to the newest form, after a copy of it
backup: ## Make a backup in data/backups, while people work
restore: ## Make a backup the installation: make restore FILE=… [REPLACE=yes]
verify: ## Look whether a backup (FILE=…) or the installation is whole
test: ## Run every test (one of them: make test ARGS='tests/db -k plate')
lint: ## Format, lint, layers and types, without the tests
check: ## Everything that must hold before a commit: lint, then the tests
coverage: ## Which lines no test has seen
bench: ## Measure speed and memory (BENCH_SIZE=small, full, or a number of claims)

# The demo has a place of its own: what .env says about the real data does not reach it.
# Only the environment or the command line can move it: make demo PORT=8090
demo: export PORT ?= 8080
demo: export DATA_DIR ?= data/demo
demo: export DATABASE_URL ?= sqlite:///$(DATA_DIR)/maakav.db
demo: export BASE_URL ?= http://localhost:$(PORT)
demo: export SECURE_COOKIES ?= false
demo: $(RUNTIME)
	@$(PY) -m db.demo
	@$(PY) app.py

run: $(RUNTIME)
	@$(PY) -m jobs.upgrade
	@$(PY) app.py

migrate: $(RUNTIME)
	@$(PY) -m jobs.upgrade

backup: $(RUNTIME)
	@$(PY) -m jobs.backup

restore: $(RUNTIME)
	@test -n '$(FILE)' || { echo 'make restore FILE=data/backups/maakav-….tar'; exit 2; }
	@$(PY) -m jobs.restore '$(FILE)' $(if $(REPLACE),--replace) $(if $(IDENTITY),--identity '$(IDENTITY)')

verify: $(RUNTIME)
	@$(PY) -m jobs.backup verify $(if $(FILE),'$(FILE)') $(if $(IDENTITY),--identity '$(IDENTITY)')

test: $(TOOLS)
	@$(PY) -m pytest $(WORKERS) $(ARGS)

lint: $(TOOLS)
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())' --no-logo
	@# on a machine that is busy its workers may not be up in time, which ends with 2: then alone
	@$(PY) -m mypy --num-workers auto || { [ $$? -eq 2 ] && $(PY) -m mypy; }

check: lint
	@$(PY) -m pytest $(WORKERS) $(ARGS)

coverage: $(TOOLS)
	@$(PY) -m pytest --cov --cov-report=term $(ARGS)

bench: $(TOOLS)
	@$(PY) -m bench $(ARGS)

# Installed once, and again when the pinned versions changed.
$(RUNTIME): requirements.txt
	@$(PY) -m pip --version >/dev/null 2>&1 || { $(CHECK_PYTHON) && $(PYTHON) -m venv --clear $(VENV); }
	@echo 'Installing what Maakav needs into $(VENV) (once, a minute or some)'
	@$(INSTALL) --requirement requirements.txt
	@touch $@

$(TOOLS): $(RUNTIME) tests/requirements.txt
	@echo 'Installing what tests and checks need into $(VENV)'
	@$(INSTALL) --requirement tests/requirements.txt
	@touch $@

define CHECK_PYTHON
{ command -v $(PYTHON) >/dev/null \
	|| { echo 'Maakav needs Python 3.11 or newer, and there is no $(PYTHON) here. Name one: make PYTHON=/path/to/python3.11' >&2; exit 1; }; } \
&& { $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "Maakav needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.11" >&2; exit 1; }; } \
&& { $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	|| { echo '$(PYTHON) cannot make virtual environments: its venv or ensurepip part is missing (on Debian and Ubuntu: apt install python3-venv).' >&2; exit 1; }; }
endef
