# Needs Python 3.11 or later and make; everything else is set up in .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help chat test core quick test-all coverage fuzz hostile races chaos kills bench bench-quick bench-peers bench-client screenshots pins requirements clean

chat: .venv/run ## set up, then join the chat on 127.0.0.1:8000 or host it; ARGS="serve" and the like go on
	@$(if $(ARGS),exec $(BIN)/tcpchat $(ARGS),scripts/chat $(BIN)/tcpchat)

test: .venv/dev ## set up, then every check
	@scripts/test $(BIN)

core: .venv/dev ## the tests of the lines and of the chat, which need nothing else, in one process
	@HYPOTHESIS_PROFILE=quick $(BIN)/pytest -n 0 -p tests.pure tests/wire tests/chat $(ARGS)

quick: .venv/dev ## the tests of all that has no I/O, which tests/pure.txt lists
	@HYPOTHESIS_PROFILE=quick $(BIN)/pytest -n 2 -p tests.pure -k "not code_point_alone" @tests/pure.txt $(ARGS)

test-all: .venv/dev ## the tests on every interpreter that the machine has
	@scripts/test-all

coverage: .venv/dev ## the tests, and which lines they run; twice as slow
	@$(BIN)/pytest -n 4 --dist loadfile --cov --cov-report=term-missing:skip-covered

fuzz: .venv/dev ## hunt for inputs that break a server, a session or the terminal, for some minutes
	@HYPOTHESIS_PROFILE=hunt $(BIN)/pytest -q -p no:cacheprovider --timeout 1800 tests/test_fuzz.py \
		tests/test_fuzz_session.py tests/repl/view/test_clean.py tests/repl/input/test_completion.py tests/repl/view/test_render.py \
		tests/repl/input/test_parse.py

hostile: .venv/dev ## run every attack in full; show its cost, and what other users notice; takes minutes
	@$(BIN)/python -m tests.hostile

races: .venv/dev ## run the tests on a disk that takes random times; SEED= for other times
	@$(BIN)/pytest -q -p no:cacheprovider -p tests.slow_disk --ignore tests/test_chaos.py $(ARGS)

chaos: .venv/dev ## simulate days in which everything fails; SEED= replays one, HOURS= is its length
	@PYTHONHASHSEED=0 $(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS))

kills: .venv/dev ## kill -9 a real server behind a bad network, KILLS= times; SEED= repeats the network
	@$(BIN)/python -m chaos.kills $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS))

bench: .venv/bench ## every benchmark beside the peers that are installed; writes docs/performance.md; ARGS="--only fanout"
	@$(BIN)/python benchmarks/run.py --report $(ARGS)

terminals: .venv/dev ## measure the terminals that are installed; writes docs/terminals.md
	@$(BIN)/python -m scripts.terminals

bench-quick: .venv/run ## do the benchmarks run? figures mean nothing
	@$(BIN)/python benchmarks/run.py --quick $(ARGS)

bench-peers: ## install the peers to compare with, from Debian
	@scripts/peers

bench-client: .venv/run ## what the client and its library cost
	@$(BIN)/python benchmarks/client.py
	@$(BIN)/python benchmarks/drawing.py
	@$(BIN)/python benchmarks/repl.py

screenshots: .venv/dev ## the pictures of the README, from a real session
	@$(BIN)/python scripts/screenshots.py docs/images

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

pins: ## do the oldest and the newest pip accept the pins? on every interpreter that the machine has
	@scripts/pins

requirements: ## pin what pyproject.toml asks for; needs uv
	@scripts/pin

clean: ## remove what was set up and what tools keep
	rm -rf .venv .coverage* .hypothesis .mypy_cache .ruff_cache .pytest_cache

.venv/run: requirements/run.txt requirements/build.txt pyproject.toml
	@scripts/setup $(PYTHON) run

.venv/dev: requirements/dev.txt requirements/build.txt pyproject.toml
	@scripts/setup $(PYTHON) dev

.venv/bench: requirements/bench.txt requirements/build.txt pyproject.toml
	@scripts/setup $(PYTHON) bench
