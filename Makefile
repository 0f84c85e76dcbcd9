# make demo   set up, then the main job live: trucks -> Redis Streams -> rules -> signed webhook (about 20 seconds)
# make test   set up, then lint and all tests
# make chaos, make thorough, make fuzz   long suites, of which make test runs a seeded cut
# make flink  `pick all` against Flink CEP itself
# make bench  every engine side by side on the workloads of docs/performance.md, with ratios to the hand-written loops of the same run
# make bench-text   thousands of rules about texts, with cepheid[text] and without
# make bench-check   a short cut of it beside the recorded ratios; make bench-curves: cost against rules, keys, window, disorder
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench bench-check bench-curves bench-text bench-redis chaos flink thorough fuzz clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make/make/p' Makefile

.venv/core: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cepheid needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/core
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[re2,text]" --group dev
	@touch $@

demo: .venv/core
	@$(BIN)/python examples/trucks/run.py

lint: .venv/dev
	$(BIN)/ruff check cep tests bench examples
	$(BIN)/ruff format --check cep tests bench examples
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# The same tests at length: fifty seeds of random kills (about 20 minutes), and of small patterns over short streams.
chaos: .venv/dev
	CEP_CHAOS=50 $(BIN)/python -m pytest tests/run/test_crash.py tests/deliver/test_crash.py

thorough: .venv/dev
	CEP_SMALL_SCOPE=50 $(BIN)/python -m pytest -n 2 tests/match/test_sequence_small_scope.py
	CEP_JUDGED=20000 $(BIN)/python -m pytest -n 2 tests/match tests/loader -k judged
	CEP_SMALL_SCOPE=all $(BIN)/python -m pytest -n 2 tests/match/test_small_scope_judged.py

# A hundred thousand damaged rule files, of which make test reads a seeded cut (about 25 minutes on two cores).
fuzz: .venv/dev
	CEP_FUZZ=100000 $(BIN)/python -m pytest -n 2 tests/lang/test_fuzz.py

# Asks Flink CEP itself, where it can be asked: 20,000 random cases of a fresh seed, all small ones, those of its own tests. Needs Java.
FLINK ?= ../shared/oracles/flink
flink: .venv/dev
	$(BIN)/python -m tests.flink.live $(FLINK)

# Fetches the other engines on demand (mvn and a JDK, packages into .venv/peers) and leaves out those that cannot be had.
bench: .venv/dev
	$(BIN)/python bench/run.py $(BENCH)

bench-check: .venv/dev
	$(BIN)/python bench/check.py $(BENCH)

bench-curves: .venv/dev
	$(BIN)/python bench/curves.py $(BENCH)
	$(BIN)/python bench/memory.py

bench-text: .venv/dev
	$(BIN)/python bench/text_rules.py $(BENCH)

bench-redis: .venv/dev
	$(BIN)/python bench/redis_throughput.py
	$(BIN)/python bench/latency.py

clean:
	rm -rf .venv .cep build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis bench/data
