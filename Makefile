# Needs make and Python 3.11 or newer.  Every target sets up its own environment in $(VENV).

VENV ?= .venv
# Arguments for the demo and the system: make demo ARGS="--chain FILE".
ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3
IS_NEW := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for each in $(PYTHONS); do "$$each" $(IS_NEW) 2>/dev/null && echo "$$each" && break; done)

export PIP_ROOT_USER_ACTION := ignore
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
# Empty means unset: modules are compiled once, instead of by each of the hundreds of processes that the tests start.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo up test test-browser test-monitoring pictures unit lint audit alerts dashboards manifests docs fuzz mutants bench

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(STAMP) ## Start everything, trade 5,000 orders, kill a worker, prove that nothing was lost
	@$(BIN)/angel-x demo $(ARGS)

up: $(STAMP) ## Run the whole system until Ctrl-C
	@$(BIN)/angel-x up $(ARGS)

# In the order of the folders: whole systems first, so that no long file is the last.  Three at a time on two cores,
# since tests of processes wait as much as they compute.
test: lint $(STAMP) ## Lint, then run every test on real servers
	exec $(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

test-browser: $(STAMP) ## Look at the pages of a running system through Chromium, which must be installed
	exec $(BIN)/pytest -m browser $(ARGS) tests/browser

test-monitoring: $(STAMP) ## Kill each class of processes under Prometheus, which must be installed, and see its alert
	exec $(BIN)/pytest -m monitoring $(ARGS) tests/monitoring

pictures: $(STAMP) ## Take the pictures of the documents anew
	exec $(BIN)/pytest -m browser --pictures docs/pictures $(ARGS) tests/browser

unit: $(STAMP) ## Run the unit tests alone, which need no server, in a minute
	exec $(BIN)/pytest --numprocesses 3 --dist worksteal -p no:schemathesis $(ARGS) tests/unit

# With make killed, the tests end as well: they replace the shell, and ask the kernel for it.
test test-browser test-monitoring pictures unit: export AX_TEST_TETHERED := 1

lint: $(STAMP) ## Style, types and the rules of who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# In an environment of its own: its dependencies are none of ours.
audit: ## Look for known vulnerabilities of the locked dependencies, over the network
	@"$(PYTHON)" -m venv build/audit
	@build/audit/bin/python -m pip install --quiet pip-audit==2.10.1
	build/audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict

alerts: ## Check the rules of Prometheus and fire each alert, with promtool and amtool
	promtool check config --syntax-only deploy/prometheus/prometheus.yml
	promtool check rules deploy/prometheus/alerts.yaml
	promtool test rules deploy/prometheus/alerts.test.yaml
	amtool check-config deploy/prometheus/alertmanager.yml

dashboards: $(STAMP) ## Write the dashboards of Grafana, and check each expression with promtool
	$(BIN)/python -m deploy.grafana
	@mkdir -p build
	$(BIN)/python -m deploy.grafana.rules > build/dashboards.yaml
	promtool check rules build/dashboards.yaml

# The schemas are 72 MB, so they have an environment of their own.
manifests: ## Render the overlays of Kubernetes and hold them against the schemas of its API
	@"$(PYTHON)" -m venv build/manifests
	@build/manifests/bin/python -m pip install --quiet kubernetes-validate==1.37.0
	@for each in deploy/kubernetes/overlays/*; do \
		file=build/manifests/$$(basename $$each).yaml; \
		kubectl kustomize $$each > $$file && \
		build/manifests/bin/kubernetes-validate --strict --kubernetes-version 1.32 $$file || exit 1; \
	done

# In an environment of its own: nothing here needs it but the site.
docs: ## Make a site of the documents, in build/docs/site
	@"$(PYTHON)" -m venv build/docs/tools
	@build/docs/tools/bin/python -m pip install --quiet zensical==0.0.60
	@rm -rf build/docs/pages && "$(PYTHON)" -m deploy.pages build/docs/pages
	build/docs/tools/bin/zensical build --clean --strict

fuzz: $(STAMP) ## Make requests that fit the OpenAPI document, or only just do not, for 20 minutes
	exec $(BIN)/pytest --fuzz-minutes 20 $(ARGS) tests/integration/api/test_schemathesis.py

mutants: $(STAMP) ## Plant wrong changes and count what the tests notice: ARGS="--sample 60"
	$(BIN)/python -m tests.mutants $(ARGS)

# Beside another checkout in the same run: make bench ARGS="--before ../other/.venv/bin/python"
bench: $(STAMP) ## Measure orders end to end and the pricing kernels; raw results in build/
	@mkdir -p build
	$(BIN)/python -m benchmarks.greeks --json build/bench-greeks.json
	$(BIN)/python -m benchmarks.orders --json build/bench-orders.json $(ARGS)

# A stamp that is older than the lock, or missing, means that the environment is not what it should be.
$(STAMP): $(BIN)/python requirements.lock pyproject.toml
	@echo "Installing the locked dependencies into $(VENV)"
	@$(BIN)/python -m pip install --quiet --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

# An environment without pip is of no use, so it goes where making it fails half way.
$(BIN)/python:
	@"$(PYTHON)" $(IS_NEW) 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, was $(or $(PYTHON),none of $(PYTHONS))"; \
		echo "Install one, or name it: make PYTHON=/path/to/python3"; exit 1; } >&2
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
