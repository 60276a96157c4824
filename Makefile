# Packhouse. Needs Python 3.11 or later, and Node 20 or later for `make test`; everything else is installed below .local/.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$python && break; done)
ifeq ($(PYTHON),)
$(error Python 3.11 or later is needed: install it, or name it with PYTHON=...)
endif
IN := $(PYTHON) local/bootstrap.py

.PHONY: run up down test conformance lint bench faults refusals lock help
.DEFAULT_GOAL := help

run: ## start the local stack, run the demo, stay until Ctrl-C (PORT=4566)
	@$(IN) dev emulator sam -- -m local run

up: ## start the local stack in the background; says where it serves
	@$(IN) dev emulator sam -- -m local up

down: ## stop the local stack; its data stays
	@$(IN) dev -- -m local down

test: ## lint, types, template checks, build, all tests
	@$(IN) dev emulator sam checkov node -- -m local.check

conformance: ## load exports with the trainers that read them, TRL and Ultralytics (installs torch)
	@$(IN) conformance -- -m pytest --confcutdir=tests/conformance tests/conformance/torch

lint: ## the same without build and tests
	@$(IN) dev sam checkov node -- -m local.check --static

bench: ## measure and print the ratios
	@$(IN) dev emulator sam peers -- -m tests.bench

faults: ## try every single fault, thousands of schedules and fifty threads, and print the counts
	@PYTHONPATH=layers/core/python $(IN) dev emulator sam -- -m tests.faults.count
	@$(IN) dev emulator sam -- -m tests.faults.claims
	@$(IN) dev emulator sam -- -m tests.faults.same_builds
	@$(IN) dev emulator sam -- -m tests.faults.sets_at_once

refusals: ## bring about every refusal of builds, labels and jobs over HTTP, and print the answers
	@PYTHONPATH=layers/core/python $(IN) dev emulator sam -- -m tests.refusals

lock: ## pin the requirements files again
	@$(IN) lock

help: ## this list
	@grep -E '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16
