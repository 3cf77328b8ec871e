# Two commands for everybody: `make golive` gives the verdict, `make test` runs the project's own tests.
# They make .venv and install into it; `make` without a target lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "venv is missing. Next: apt-get install python3-venv (Debian, Ubuntu)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dashboard,dev]'
	@touch $@

.PHONY: install
install: $(BIN)/.installed ## make .venv and install this project into it

.PHONY: golive
golive: install ## rehearse config/ on the embedded sandbox and give the verdict
	$(BIN)/pytest --golive

.PHONY: prove
prove: install ## run every line against its breaks: each must fail
	$(BIN)/pytest --golive --golive-prove -n 2 -q

.PHONY: test
test: install ## the project's own tests
	$(BIN)/pytest -n 2 --dist worksteal

CLIENTS := .clients-venv

$(CLIENTS)/.installed: tests/clients/requirements.txt
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

.PHONY: test-clients
test-clients: install $(CLIENTS)/.installed ## foreign Kraken clients trade on the sandbox
	$(BIN)/python tests/clients/run_clients.py $(CLIENTS)/bin/python

ALLURE := .allure-tools

$(ALLURE)/.installed:
	npm install --silent --no-save --prefix $(ALLURE)/allure3 allure
	npm install --silent --no-save --prefix $(ALLURE)/allure2 allure-commandline
	@touch $@

.PHONY: test-allure
test-allure: install $(ALLURE)/.installed ## real Allures (npm, Java) build the report, a browser opens it
	$(BIN)/python tests/reporting/real_allure.py $(ALLURE)/allure3 $(ALLURE)/allure2

.PHONY: lint
lint: install ## format, style, types, directions of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: install ## how fast gate, client, sandbox, log scan and secret sweep are, against floors measured in the same run
	$(BIN)/python tests/benchmarks/bench_gate.py
	$(BIN)/python tests/benchmarks/bench_page.py
	$(BIN)/python tests/benchmarks/bench_client.py
	$(BIN)/python tests/benchmarks/bench_sandbox.py
	$(BIN)/python tests/benchmarks/bench_scan.py

.PHONY: chaos
chaos: install ## 10,000 orders through every fault at random: none twice, none lost
	$(BIN)/python tests/kraken/chaos.py

.PHONY: stress
stress: chaos test-clients ## chaos, foreign clients, 100 killed writers, 50 killed workers
	$(BIN)/python tests/stress/kill_writer.py 100
	$(BIN)/python tests/stress/kill_workers.py 50

.PHONY: clean
clean: ## remove what runs leave behind; keeps .venv
	rm -rf reports/allure-* reports/bundle reports/*.json reports/*.html reports/paper_run build dist .pytest_cache .mypy_cache .ruff_cache
