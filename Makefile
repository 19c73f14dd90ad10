# Slipway: `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# Python's UTF-8 mode: every command reads and writes UTF-8, whatever the locale is.
export PYTHONUTF8 = 1
PYTHON ?= python3
PY := .venv/bin/python
UV := .venv/bin/uv
COMPILE := pip compile -q pyproject.toml serving/requirements.in --all-extras --generate-hashes --no-emit-index-url \
	--python-version 3.11 --custom-compile-command "make lock"

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {gsub(/[$$][$$]/, "$$"); printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.ready ## create the Python environment in .venv from the lock file

# pip installs uv with the hashes from the lock file, and uv installs everything else. Source distributions are excluded:
# building one downloads build dependencies that the lock file does not list.
.venv/.ready: requirements.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Slipway needs Python 3.11 or newer: set PYTHON=python3.11")'
	@echo "setting up .venv (about 30 s)"
	@$(PY) -m pip --version >/dev/null 2>&1 || { rm -rf .venv; "$(PYTHON)" -m venv .venv || { rm -rf .venv; exit 1; }; }
	@test -x $(UV) || { sed -n '/^uv==/,/[^\\]$$/p' requirements.lock >.venv/uv.lock \
		&& $(PY) -m pip install -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r .venv/uv.lock; }
	@$(UV) pip sync -q --compile-bytecode --python $(PY) --only-binary :all: --require-hashes requirements.lock
	@touch $@

CHOSEN = $(if $(NETWORK),--network $(NETWORK)) $(if $(SERVICES),--services $(SERVICES)) $(if $(PORTS),--ports "$(PORTS)")

.PHONY: up down env status doctor
up: setup ## build the toolchain, start the cluster, `pulumi up` the dev stack (or STACK=faces-dev), send test pictures; WITH=scaling adds the metrics that HPAs read, WITH=keda KEDA, WITH=monitoring the Prometheus operator; set NETWORK=10.90.0.0/16, SERVICES= or PORTS="ingress=18080" if the defaults are taken
	@$(PY) -m local up $(if $(STACK),--stack $(STACK)) $(addprefix --with ,$(WITH)) $(CHOSEN)
doctor: setup ## list the faults that stop `make up` on this machine, each with the command that repairs it
	@$(PY) -m local doctor $(addprefix --with ,$(WITH)) $(CHOSEN)
down: setup ## remove the embedded cluster and everything that it started
	@$(PY) -m local down
env: setup ## shell exports for pulumi and kubectl: eval "$$(make -s env)"
	@$(PY) -m local env
status: setup ## show the health of the embedded cluster
	@$(PY) -m local status

# One worker more than cores, because some tests mostly wait for a server. With `worksteal`, a worker keeps its own tests,
# which share fixtures, and takes tests of another only when it has finished. Byte code is always cached: otherwise every
# worker spends five seconds compiling the tests.
WORKERS = $(or $(JOBS),$(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))))
TIER_1 = PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -q -n $(WORKERS) --dist worksteal --ignore tests/cluster

.PHONY: test
test: setup ## tier 1: no CLI, no cluster, on all cores; without the tests marked slow (JOBS=0: one process, for a debugger)
	@$(TIER_1) -m "not slow"

.PHONY: check
check: setup ## format, lint, strict types, lock freshness and all of tier 1, also the tests marked slow
	@.venv/bin/ruff format --check -q .
	@.venv/bin/ruff check -q .
	@.venv/bin/pyright
	@$(MAKE) -s check-lock
	@$(MAKE) -s check-tests

.PHONY: check-lock check-tests
check-tests: setup
	@$(TIER_1)
check-lock: setup
	@cp requirements.lock .venv/fresh.lock && $(UV) $(COMPILE) -o .venv/fresh.lock && diff -u requirements.lock .venv/fresh.lock \
		|| { echo "requirements.lock is stale: run make lock"; exit 1; }

RELEASES = $(addprefix tests/cluster/,releases test_direct.py test_releases_gateway.py test_streams.py test_promotion.py test_clusters.py test_splitting.py)

.PHONY: e2e
e2e: WITH = scaling
e2e: up ## tier 2: the real engine against the embedded cluster (ends with make down)
	@$(PY) -m local browser
	@$(PY) -m pytest tests/cluster -v --durations=10 -m "not long"

.PHONY: e2e-core
e2e-core: up ## the part of e2e that CI runs: one test of each main job, in 12 min (ends with make down)
	@$(PY) -m pytest tests/cluster -v --durations=10 -m core

.PHONY: e2e-releases
e2e-releases: up ## releases in motion under 200 requests/s, promotion over three stacks and to two clusters, both traffic drivers (an hour; `make e2e` runs a part of it)
	@$(PY) -m pytest $(RELEASES) -v --durations=10

.PHONY: e2e-scaling e2e-sizing e2e-keda e2e-faults e2e-servers e2e-alerts e2e-edges
e2e-scaling: WITH = scaling
e2e-scaling: up ## CPU, requests and an external metric as signals, a lost metrics source, a day's load curve (25 min)
	@$(PY) -m pytest tests/cluster/test_scaling*.py -v
e2e-sizing: up ## compare the simulation with a real service at three loads (6 min; run it alone)
	@$(PY) -m pytest tests/cluster/test_sizing.py -v
e2e-keda: WITH = keda
e2e-keda: up ## workers that scale from 0 with their queue, a schedule, lost metrics, both slots under KEDA, every handover of the replicas (25 min)
	@$(PY) -m pytest tests/cluster/test_keda_queue.py tests/cluster/test_keda.py tests/cluster/test_replica_owners.py -v
e2e-faults: up ## one fault at a time under 120 requests/s: failed requests, time to recover; the reasons of pods that do not come (20 min)
	@$(PY) -m pytest tests/cluster/test_availability.py tests/cluster/test_reasons.py -v
e2e-servers: up ## servers of examples/servers: each one up, good and bad releases of each under load (an hour)
	@$(PY) -m pytest tests/cluster/test_any_server.py tests/cluster/test_strangers_releases.py tests/cluster/test_token_streams.py -v --durations=10
e2e-alerts: WITH = monitoring
e2e-alerts: up ## every alert fires and resolves in a Prometheus that the operator runs (10 min)
	@$(PY) -m pytest tests/cluster/test_monitoring.py -v
e2e-edges: up ## edge values of every field against the API server, 240 edge routes per traffic driver against the proxy (15 min)
	@$(PY) -m pytest tests/cluster/test_edge_values.py tests/cluster/test_edge_routes.py -v

.PHONY: trial-machine
trial-machine: setup ## make up, a reboot and make down on stock Debian 12 and 13 in QEMU, with a firewall (after make up and make down; half an hour each in emulation, on a quiet machine; GUEST=debian-13, KEEP=1)
	@$(PY) -m tests.machines trial $(addprefix --guest ,$(GUEST)) $(if $(KEEP),--keep)

.PHONY: simulated
simulated: setup ## verdicts of the real driver on 200 simulated releases of each kind, killed and resumed (5 min; make check runs 40 of them)
	@SLIPWAY_SIMULATED=200 $(PY) -m pytest -q -s -n $(WORKERS) tests/delivery/run/test_simulated.py

.PHONY: mutants
mutants: setup ## apply each known mutant, a deliberate fault, in turn: make test must notice every one
	@$(PY) -m tests.mutants

.PHONY: mutants-sample
mutants-sample: setup ## up to 200 mutants that the last day's commits touch (or all commits since SINCE=<revision>), and 100 others; SEED=<n> repeats a sample
	@$(PY) -m tests.mutants $(if $(SINCE),--changed-since $(SINCE),--changed-within 1) --sample 100 $(addprefix --seed ,$(SEED))

.PHONY: e2e-kills
e2e-kills: setup ## kill driver, engine and plugin at every moment of a release (after make up; half an hour)
	@SLIPWAY_KILLS=all $(PY) -m pytest tests/cluster/releases/test_kills.py -v

.PHONY: bench-release
bench-release: setup ## compare a bad release with Slipway and with Flagger: time and failed requests (after make up; ROUNDS=3; 10 min for one)
	@eval "$$($(PY) -m local env)" && $(PY) -m bench.release $(if $(ROUNDS),--rounds $(ROUNDS))

.PHONY: drawings
drawings: setup ## redraw docs/imports: the imports between the parts of each package
	@$(PY) -m bench.imports

.PHONY: bench-verdicts
bench-verdicts: setup ## false verdicts and sample sizes of the gate: 2,000 simulated releases of each kind
	@$(PY) -m bench.verdicts

.PHONY: bench-sizing bench-service-times
bench-sizing: setup ## compare the sizing with the fewest pods that would be enough in 200 seeds; the bank's day and the shop's peak (5 min)
	@$(PY) -m bench.sizing $(SEEDS)
SERVICE_TIMES = $(PY) -m pytest -q --import-mode=importlib bench/service_times.py
bench-service-times: setup ## measure how long our servers work on one request, into bench/measured.json (run it alone; 1 min)
	@$(SERVICE_TIMES) -p serving.tests.conftest -k classifier
	@$(SERVICE_TIMES) -p serving.tests.nlu.conftest -k nlu
	@$(SERVICE_TIMES) -p serving.tests.faces.conftest -k faces

.PHONY: bench-workers
bench-workers: setup ## find the number of worker threads per CPU limit that answers the most pictures (run it alone; 2 min)
	@$(PY) -m pytest -q -s --import-mode=importlib bench/workers.py -p serving.tests.conftest -p serving.tests.parsing.conftest

.PHONY: bench-loader
bench-loader: setup ## compare the loader with curl: rate and memory for one file from a web server, S3 and a model hub (run it alone; MIB=1024; 1 min)
	@$(PY) -m bench.loader $(if $(MIB),--mib $(MIB))

.PHONY: bench-preview
bench-preview: setup ## compare the preview of 1, 10 and 100 services with that of a flat program (after make up, or BENCH_CONTEXT=mine)
	@$(if $(BENCH_CONTEXT),,eval "$$($(PY) -m local env)" &&) $(PY) -m bench.preview

.PHONY: bench-server
bench-server: setup ## compare our model server with MLServer, BentoML and LitServe: rate, latency, memory, start (needs two idle cores; 10 min, QUICK=1: 3)
	@$(PY) -m bench.server $(if $(QUICK),--quick)

.PHONY: attack
attack: setup ## attack a real model server in 49 ways, in a memory limit of 512 MiB: answers, peak memory, latency of normal requests before and during (8 min; SHORT=1: 16 attacks, 3 min; QUICK=1: 13 attacks, 1 min)
	@$(PY) -m bench.attack $(if $(QUICK),--quick,$(if $(SHORT),--short))

.PHONY: schema goldens format lock
schema: setup ## renew the JSON schemas from the models
	@$(PY) -m schema
goldens: setup ## renew the golden manifests; review the diff
	@$(PY) -m pytest -q tests/goldens --update-goldens
format: setup ## format and fix what can be fixed
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .
lock: ## renew requirements.lock (add UPGRADE=1 for newer versions)
	@$(UV) $(COMPILE) $(if $(UPGRADE),--upgrade) -o requirements.lock
