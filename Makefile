# millstream: the commands a newcomer guesses. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# tests/parallel.py says which process has which tests
PARALLEL := -n logical --maxprocesses 4
SOURCES := streams detectors schemas tests docs grafana

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-file test test-unit test-integration faults bench bench-smoke bench-shapes bench-state bench-engine bench-demand soak quality boards-sheet lint fmt type gen check-gen lock check servers clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with the millstream command in it

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "millstream needs Python 3.11 to 3.13, this is %d.%d; try: make PYTHON=python3.12 setup" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what requirements.lock names into $(VENV) (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## run the main job here: broker, simulated plant, worker, live view
	@if [ -t 1 ]; then $(BIN)/millstream demo $(DEMO); else $(BIN)/millstream demo --no-ui --seconds 30 $(DEMO); fi
	@echo
	@echo "next, a real machine: make demo-file   (two and a half hours of a milling machine, NIST, public domain)"

demo-file: $(STAMP) ## play the shipped sample of a real machine through the same path
	@FILE=$$($(BIN)/python -c 'from importlib.resources import files; print(files("streams") / "data" / "nist_plate")'); \
	set -- --input $$FILE.shdr.gz --config $$FILE.toml --speed 300x $(DEMO); \
	if [ -t 1 ]; then $(BIN)/millstream demo "$$@"; else $(BIN)/millstream demo --no-ui "$$@"; fi

test: $(STAMP) ## all tests: unit, contract, doctest, then integration on real Kafka and InfluxDB
	@$(BIN)/python -m tests.servers prepare || [ -z "$$CI" ]
	@$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

test-unit: $(STAMP) ## the tests that need no server
	@$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/integration $(PYTEST)

test-integration: $(STAMP) ## the tests on real servers
	@$(BIN)/python -m pytest tests/integration $(PYTEST)

faults: $(STAMP) ## kills, outages, frozen owners and faulty workers on real servers (half an hour)
	@$(BIN)/python -m pytest -s tests/faults/full.py $(PYTEST)

servers: $(STAMP) ## start real Kafka and InfluxDB for tests and stay; prints what to export
	@$(BIN)/python -m tests.servers run

bench: $(STAMP) ## measure throughput on real Kafka and write docs/benchmarks.md
	@$(BIN)/python -m tests.bench

bench-smoke: $(STAMP) ## a short bench, held to a third of the floors
	@$(BIN)/python -m tests.bench --smoke

bench-shapes: $(STAMP) ## detectors alone: microseconds a reading and bytes a series in three shapes
	@$(BIN)/python -m tests.bench.shapes

bench-state: $(STAMP) ## the default site at 100,000 series: memory, standstill, restore time, singles a second
	@$(BIN)/python -m tests.bench.state_size

bench-engine: $(STAMP) ## the same in one process, without Kafka: memory, readings a second, microseconds a watch
	@$(BIN)/python -m tests.bench.engine_size

bench-demand: $(STAMP) ## how well windows of maximum demand are forecast, put into docs/benchmarks.md (needs ../shared/data)
	@$(BIN)/python -m tests.bench --only demand

quality: $(STAMP) ## detection on public benchmarks, written to docs/quality.md (needs ../shared/data); PLOTS=1 draws each file
	@$(BIN)/python -m tests.quality $(if $(PLOTS),--plots) $(QUALITY)

soak: $(STAMP) ## half an hour at half load: memory flat, no lag growth
	@$(BIN)/python -m tests.bench.soak $(SOAK)

boards-sheet: $(STAMP) ## draw Grafana's boards on real servers into out/boards
	@$(BIN)/python -m tests.boards.sheet

lint: $(STAMP) ## ruff
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

fmt: $(STAMP) ## format and mend what ruff can
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

type: $(STAMP) ## mypy --strict
	@$(BIN)/mypy

gen: $(STAMP) ## write the generated files
	@$(BIN)/python docs/generate.py

check-gen: $(STAMP) ## fail where a generated file is not up to date
	@$(BIN)/python docs/generate.py --check

lock: ## resolve dependencies anew into requirements.lock, and what the image installs
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra arrow --extra fast --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements.lock pyproject.toml -o deploy/requirements.txt

check: lint type check-gen test ## everything that CI runs

clean: ## remove the environment and caches of this checkout
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
