# make repro and make test need Python 3.11 or newer, git, and nothing else installed.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
ifeq ($(LOGNAME)$(USER),)  # DVC asks for a name, and a user of a container may have none
export LOGNAME := $(shell id -u)
endif
# Clusters and containers set these for their own Python; here they would move or refuse packages.
unexport PIP_USER PIP_TARGET PIP_CONSTRAINT

.PHONY: help repro study test report notebook onnx check gate bench summary params format lock clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s%s\n", $$1, $$2}' Makefile

repro: .venv/pipeline  ## reproduce the lecture, then show its metrics
	python -m checks.params
	dvc repro
	dvc metrics show
	@python -m checks.study

study: .venv/pipeline  ## reproduce the study of many seeds and of the lecture's claims
	dvc repro study/dvc.yaml

test: .venv/developer  ## linter, then tests; ALL=1: the slow ones, too
	ruff check .
	ruff format --check .
	pytest $(if $(ALL),-m "slow or not slow")

report: .venv/report  ## all results on one page, report/index.html
	python -m reporting

notebook: .venv/developer  ## the lecture as a notebook, lecture.ipynb, from its sources
	python -m reporting.notebook

onnx: .venv/export  ## each model for other runtimes, onnx/NAME.onnx
	python -m tools.export

# make itself ends with 2 where a command fails; who must tell 1 from 2 calls the command.
check: .venv/pipeline  ## hold the lecture to its promises; STUDY=1: the study, too; DEEP=1: many settings
	python -m checks $(if $(STUDY),--study) $(if $(DEEP),--deep)

bench: .venv/pipeline  ## the speed against the lecture's, side by side
	python -m benchmarks.compare

summary: .venv/pipeline  ## what changed since BASE=REV, as Markdown
	.ci/summary $(BASE)

params: .venv/pipeline  ## check params.yaml alone
	python -m checks.params

gate: .venv/developer  ## the models against BASE=REV (default: the merge base); FORMAT=md: Markdown
	@python -m checks.gate $(BASE) $(if $(FORMAT),--format $(FORMAT))

format: .venv/developer  ## lay out the code
	ruff check --fix .
	ruff format .

lock: .venv/developer  ## resolve the newest versions that pyproject.toml admits
	uv pip compile pyproject.toml --group pipeline $(LOCK) --output-file requirements.txt
	uv pip compile --group report $(LOCK) --constraints requirements.txt --output-file requirements-report.txt
	uv pip compile --group export $(LOCK) --constraints requirements.txt --output-file requirements-export.txt
	uv pip compile --group dev $(LOCK) --constraints requirements.txt --constraints requirements-report.txt --constraints requirements-export.txt --output-file requirements-dev.txt
LOCK := --quiet --upgrade --universal --generate-hashes --no-header --fork-strategy fewest --python-version 3.11

clean:  ## remove the environment; data, models and DVC's cache stay
	rm -rf .venv

# The stamps tell that the locked packages are in the environment, so a second call installs nothing.
.venv/pipeline: requirements.txt | .venv/bin/python
	$(install)
.venv/report: requirements-report.txt .venv/pipeline
	$(install)
.venv/export: requirements-export.txt .venv/pipeline
	$(install)
.venv/developer: requirements-dev.txt .venv/pipeline
	$(install)

# With --quiet, pip does not say which packages conflict, so what fails is tried again without it.
define install
@echo 'Installing the packages of $< into .venv, which can take some minutes'
python -m pip install --quiet $(LOCKED) || python -m pip install $(LOCKED)
touch $@
endef
LOCKED = --require-hashes --requirement $<

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make: expected Python 3.11 or newer, found " + sys.version.split()[0] + "; name another: make PYTHON=...")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
