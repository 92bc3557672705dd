# What a person or a machine does with this repository. `make` alone lists it. The laptop and CI run the same lines.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
EXTRA ?=

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo serve sandbox test check format fuzz machines coverage survey-proof backup-proof api-proof install-proof test-clocks bench scale-demo pictures docs release clean

help:  ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install:  ## put the locked packages into .venv (EXTRA=parquet or EXTRA=opentelemetry: with that)
	@$(PYTHON) tools/bootstrap.py $(if $(EXTRA),--extra $(EXTRA))

install-dev:  ## the same, with what tests and checks need
	@$(PYTHON) tools/bootstrap.py --dev

demo: install  ## sandbox, 60 fictitious clients, a first synchronisation, the console (ARGS=--once: all but the console)
	@$(BIN)/carefund demo $(ARGS)

serve: install  ## the console, and the background work beside it
	@$(BIN)/carefund serve $(ARGS)

sandbox: install  ## the local stand-in for PRODA, Services Australia and the NDIA
	@$(BIN)/carefund-sandbox $(ARGS)

test: install-dev  ## every check and every test that this machine can run
	@$(BIN)/python tools/suite.py $(ARGS)

check: install-dev  ## format, lint, types, import contracts, unused code, migrations, deployment, documentation
	@$(BIN)/python tools/suite.py --checks-only

format: install-dev  ## let ruff and djangofmt format, and mend what they can
	@$(BIN)/ruff format .
	@$(BIN)/djangofmt --quiet src || true  # its exit status says whether something changed
	@$(BIN)/ruff check --fix .

fuzz: install-dev  ## any bytes into every decoder and file reader (ARGS="--seconds 600 --seed 7"); better with atheris
	@$(BIN)/python tools/fuzz.py $(ARGS)

machines: install-dev  ## claims and leases with crashes, lies and skewed clocks in any order (ARGS="--seconds 3600 --seed 7")
	@$(BIN)/python tools/machines.py $(ARGS)

coverage: install-dev  ## which lines the tests reach (htmlcov/index.html)
	@$(BIN)/coverage run -m pytest -q -m "not browser and not postgresql" && $(BIN)/coverage html -q && $(BIN)/coverage report

survey-proof: install-dev  ## random edits against surveys, for as many rounds as CAREFUND_PROOF_ROUNDS says (20)
	@CAREFUND_PROOF_ROUNDS=$${CAREFUND_PROOF_ROUNDS:-20} $(BIN)/pytest -q -n 2 tests/runs/test_survey_proof.py $(ARGS)

backup-proof: install-dev  ## backups killed at any moment, and made in the middle of a claim, on both databases
	@CAREFUND_BACKUP_PROOF=1 $(BIN)/python tools/postgresql.py sh -c \
		'CAREFUND_TEST_DATABASE_URL=$$CAREFUND_DATABASE_URL $(BIN)/pytest -q tests/runs/test_backup_proof.py $(ARGS)'

api-proof: install-dev  ## schemathesis against a running server with tokens of all roles, on both databases (ARGS="--tries 100 --seed 7")
	@$(BIN)/python -m tools.api_proof $(ARGS)
	@$(BIN)/python tools/postgresql.py $(BIN)/python -m tools.api_proof $(ARGS)

install-proof: install-dev  ## the commands of docs/step-by-step.md on a bare Debian, on both databases (root; ARGS="--release trixie")
	@$(BIN)/python tools/from_nothing.py $(ARGS)

test-clocks: install-dev  ## the tests under four other wall clocks (Linux, libfaketime; ARGS=tests/sync: only those)
	@$(BIN)/python tools/clocks.py $(ARGS)

bench: install-dev  ## measure speed against bare download; writes docs/performance.md
	@$(BIN)/python -m benchmarks $(ARGS)

scale-demo: install-dev  ## a PostgreSQL of its own, 3 workers, 5,000 people, one worker killed half-way
	@$(BIN)/python tools/postgresql.py $(BIN)/python -m benchmarks.scale_demo $(ARGS)

pictures: install-dev  ## photograph the main pages of the demo world into docs/pictures
	@$(BIN)/python tools/pictures.py $(ARGS)

docs: install-dev  ## build the documentation as a searchable site (site/index.html)
	@$(BIN)/python tools/docs.py $(ARGS)

release: install-dev  ## rehearse a release into dist (ARGS="--key FILE": make one; docs/releasing.md)
	@$(BIN)/python tools/release.py $(or $(ARGS),--rehearse)

clean:  ## remove packages, the demo's data and caches; never data of your own, which is beside them in var
	rm -rf .venv .venv-tools var/demo var/fuzz site staticfiles htmlcov .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@rmdir var 2>/dev/null || true  # only if nothing else is in it
