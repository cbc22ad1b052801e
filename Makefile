# make demo   install, run the quickstart, show its result
# make run CONFIG=FILE    run the experiment in FILE, show its result
# make plan CONFIG=FILE   what would run, how much of it, and why; FULL=1: every job
# make finish CONFIG=FILE   the end of the labelling campaign in FILE: labels, model, predictions
# make campaign   the labelling campaign in campaigns/my-campaign.yaml, an example to edit, or in CONFIG=FILE
# make test   install, run the tests; COVERAGE=1: and count the lines of the library that they run;
#   THOROUGH=1: and those that take minutes
# make test-extras   the tests that need packages of our extras, with those in .venv-extras
# make thorough   the tests that take minutes, alone
# make check-gpu   on a machine with a GPU: try and time every path on it, in nine minutes
# make docs   draw the pictures of the docs and write their tables
# All work on a fresh machine with Linux, Python 3.11+ and make; everything stays in this folder.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
UV := uv>=0.8,<1
# Some containers set it: each of the many short jobs would then compile the code again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo run campaign plan finish test test-extras thorough lint format docs claims bench check-gpu lock slurm clean

# The quickstart, and any other experiment: make run CONFIG=my.yaml, with further options in OPTIONS.
CONFIGFILE = $(if $(CONFIG),--configfile '$(CONFIG)')
# Snakemake's own error of a file that it cannot read names neither file nor line.
READABLE = $(if $(CONFIG),$(BIN)/python -m workflow_scripts.check_readable '$(CONFIG)')
CORES ?= all
OWN_CAMPAIGN := campaigns/my-campaign.yaml
demo: OFFER = --offer
demo: $(OWN_CAMPAIGN) run

# A user's own file is never one that git knows.
$(OWN_CAMPAIGN):
	@mkdir -p $(@D)
	@# Never replaced, not even by make -B. Paths in it start from where it is.
	@[ -e $@ ] || { sed 's|\.\./schema/|../config/schema/|' config/examples/campaign.yaml > $@.partial && mv -n $@.partial $@; }

campaign: CONFIG ?= $(OWN_CAMPAIGN)
campaign: $(OWN_CAMPAIGN) run

run: .venv/installed
	@$(READABLE)
	@$(BIN)/snakemake --cores $(CORES) --quiet host $(OPTIONS) $(CONFIGFILE) 2>&1 | $(BIN)/python -m workflow_scripts.show_progress
	@$(BIN)/python -m workflow_scripts.show_summary $(OFFER) $(CONFIGFILE)

plan: .venv/installed
	@$(READABLE)
	@$(BIN)/snakemake -n --quiet host $(if $(FULL),,--printshellcmds) $(OPTIONS) $(CONFIGFILE) 2>&1 $(if $(FULL),,| $(BIN)/python -m workflow_scripts.show_plan)

finish: .venv/installed
	@$(READABLE)
	@$(BIN)/snakemake finish --cores $(CORES) --quiet host $(OPTIONS) $(CONFIGFILE) 2>&1 | $(BIN)/python -m workflow_scripts.show_progress

# Those that take minutes wait for other processes a third of the time.
test: .venv/installed
	$(BIN)/python -m pytest --dist worksteal --numprocesses $(if $(THOROUGH),$$(($$(nproc) * 3 / 2)),auto) \
	  $(if $(COVERAGE),--cov --cov-report=term:skip-covered) $(if $(THOROUGH),-m '')

thorough: .venv/installed
	$(BIN)/python -m pytest --dist worksteal --numprocesses $$(($$(nproc) * 3 / 2)) -m thorough \
	  $$(grep --recursive --files-with-matches --include 'test_*.py' mark.thorough tests)

# What the others skip. It fails where one of these is skipped, too.
test-extras: .venv-extras/installed
	LABELBENCH_EXTRAS=required .venv-extras/bin/python -m pytest -m extra \
	  $$(grep --recursive --files-with-matches --include 'test_*.py' mark.extra tests)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/lint-imports --no-logo
	$(BIN)/basedpyright --baselinemode=lock
	$(BIN)/snakemake --lint

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

docs: .venv/installed
	$(BIN)/python -m docs.make_architecture
	$(BIN)/python -m docs.make_strategy_pictures
	$(BIN)/python -m docs.make_option_tables
	$(BIN)/python -m docs.make_config_table
	$(BIN)/python -m docs.make_results
	$(BIN)/python -m docs.make_advice

# Every number of our results in README and docs from its table, and which tables older code has made;
# RERUN=EXPERIMENT: and whether what was run here agrees with what was kept.
claims: .venv/installed
	$(BIN)/python -m docs.make_results --check
	$(BIN)/python -m docs.make_advice --check
	$(if $(RERUN),$(BIN)/python -m docs.check_rerun $(RERUN))

bench: .venv/installed
	for name in planning round proxies penalty preparing extraction augmentation finetune; do $(BIN)/python -m benchmarks.$$name; done
	$(BIN)/python -m benchmarks.strategies --output docs/benchmarks/strategies.md
	$(BIN)/python -m benchmarks.savings_coverage --output docs/benchmarks/savings_coverage.md
	$(BIN)/python -m benchmarks.interval_coverage --output docs/benchmarks/interval_coverage.md
	$(BIN)/python -m benchmarks.extrapolations --output docs/benchmarks/extrapolations.md

check-gpu: .venv/installed
	$(BIN)/python -m benchmarks.gpu

# Resolve the ranges of pyproject.toml again, for all supported versions of Python at once.
lock: .venv/installed
	$(BIN)/uv pip compile --universal --python-version 3.11 --extra dev --upgrade \
	  --no-header --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --constraint requirements.lock \
	  $(foreach one,agreement arrow onnx onnx-export text references,--extra $(one)) --no-header --no-annotate pyproject.toml \
	  | grep --invert-match --file <(sed --quiet 's/^\([^ =]*==\).*/^\1/p' requirements.lock) \
	  > requirements-extras.lock

# The Slurm executor, of a version that fits the lock.
slurm: .venv/installed
	$(BIN)/pip install --constraint requirements.lock 'snakemake-executor-plugin-slurm>=2.1,<3'

clean:
	rm -rf .venv .venv-extras results .snakemake

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is $$($(PYTHON) -V 2>&1); Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "error: $(PYTHON) cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "Installing the locked dependencies into .venv (once; about 5 GB because of PyTorch with CUDA)"
	@$(BIN)/pip install --disable-pip-version-check --quiet '$(UV)'
	@# Several times as fast as pip, which does it where uv cannot: uv does not read pip's configuration.
	@$(BIN)/uv pip install --cache-dir .venv/cache --python $(BIN)/python --requirement requirements.lock || \
	  $(BIN)/pip install --disable-pip-version-check --quiet --progress-bar on --requirement requirements.lock
	@rm -rf .venv/cache
	@# What jobs import is compiled here, once, and found wanting here if it cannot be imported. To compile
	@# all modules, four times as many, would take most of a minute.
	@$(BIN)/python -c 'import altair, matplotlib.pyplot, open_clip, pandas, scipy.stats, sklearn.linear_model, snakemake.cli, timm, torch, torchvision, zarr'
	@touch $@

# What .venv has is not installed again: a file of paths leads there.
.venv-extras/installed: .venv/installed requirements-extras.lock
	@$(BIN)/python -m venv --without-pip .venv-extras
	@.venv-extras/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > .venv-extras/place
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$$(cat .venv-extras/place)/venv.pth"
	@echo "Installing the packages of our extras into .venv-extras (once; about 400 MB)"
	@$(BIN)/uv pip install --cache-dir .venv-extras/cache --no-deps --quiet \
	  --python .venv-extras/bin/python --requirement requirements-extras.lock
	@rm -rf .venv-extras/cache
	@touch $@
