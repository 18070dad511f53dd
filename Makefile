# Two commands do all the set-up on a fresh machine with Python 3.11 and make: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_OUTPUT ?= mailproof-demo
STAMP := $(VENV)/.installed
# How many processes the tests are spread over, whole files at a time; 0 is one without a spread.
WORKERS ?= 0
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

.PHONY: demo test check lab golden docs clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	@touch $@

demo: $(STAMP)
	$(BIN)/mailproof demo --output $(DEMO_OUTPUT)

test: $(STAMP)
	$(PYTEST)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict audits

lab: $(STAMP)
	$(PYTEST) tests/lab

golden: $(STAMP)
	MAILPROOF_GOLDEN=write $(BIN)/python -m pytest tests/report

docs: $(STAMP)
	$(BIN)/mailproof explain --all --output docs/audits

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
