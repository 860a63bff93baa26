# What people and CI run. `make demo` needs nothing but Python; `make test` installs what it needs.

PYTHON ?= python3
VENV := .venv
# Four processes side by side, each reading only its own tests: a test runner that hands out single tests
# to workers costs more than most of these tests.
LANGUAGE := tests/lvscf tests/change
SIMULATION := tests/simulation
DAEMONS := tests/lvsd tests/pulse tests/nanny tests/control tests/userspace tests/events
UNITS := unit-language unit-simulation unit-daemons unit-rest
BESIDE := --no-print-directory --jobs=5 --output-sync=target --keep-going
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
# What the tests use besides Python: a kernel with IPVS that runs as a program, the C ipvsadm, keepalived
# and ldirectord to compare with.
DEBIAN := python3-venv user-mode-linux kmod iproute2 iptables nftables ipvsadm keepalived ldirectord mandoc procps util-linux
SELECT_KERNEL := kernel or lab
# Byte code is kept: a daemon that compiles itself at each start takes seconds in the user-mode kernel.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
export EXAMPLES
.PHONY: help demo test check lint unit unit-language unit-simulation unit-daemons unit-rest slow kernel packages bench fuzz soak clean

help:
	@echo 'make demo    a whole cluster on loopback: no privilege, no IPVS, nothing to download'
	@echo 'make test    everything, on the real kernel too; installs what it needs into $(VENV)'
	@echo 'make check   the part without kernel and slow tests, half a minute'
	@echo 'make kernel  the tests on a real kernel with IPVS only'
	@echo 'make bench   the measurements of bench/README.md'
	@echo 'make fuzz    parser, edits, importers and netlink with atheris, FUZZ_S=600 seconds each'
	@echo 'make soak    a million changes of the kernel table without growth, SOAK=1000000'
	@echo 'make clean   removes what the above have made'

demo:
	@exec env PYTHONPATH=src $(PYTHON) -m piranha.cli.main demo $(ARGS)

test: packages
	@$(MAKE) --no-print-directory lint unit slow kernel

# Properties with fewer examples than in `make test`: an answer while one still thinks of the change.
check: EXAMPLES = --hypothesis-profile=quick
check: $(STAMP)
	@$(MAKE) $(BESIDE) lint $(UNITS)

# As root: install the Debian packages that are missing. Otherwise: say the one line.
packages:
	@tools/packages $(DEBIAN)

$(STAMP): pyproject.toml tools/venv
	@tools/venv $(PYTHON) $(VENV) $(STAMP)

lint: $(STAMP)
	@$(BIN)/ruff check src tests bench
	@$(BIN)/ruff format --check src tests bench
	@$(BIN)/mypy

unit: $(STAMP)
	@$(MAKE) $(BESIDE) $(UNITS)

UNIT = $(BIN)/pytest -q $(EXAMPLES) -p no:cacheprovider -m 'not ($(SELECT_KERNEL) or slow)'
unit-language:
	@$(UNIT) $(LANGUAGE)
# Two processes that only compute: they take what the others, of one process each, leave of two processors.
unit-simulation:
	@nice $(UNIT) $(SIMULATION)
unit-daemons:
	@$(UNIT) $(DAEMONS)
unit-rest:
	@$(UNIT) tests $(addprefix --ignore=,$(LANGUAGE) $(SIMULATION) $(DAEMONS))

slow: $(STAMP)
	@$(BIN)/pytest -q -m 'slow and not ($(SELECT_KERNEL))'

kernel: $(STAMP)
	@$(BIN)/python -m compileall -q src
	@tools/with-ipvs $(BIN)/pytest -q -p no:cacheprovider -m '$(SELECT_KERNEL)'

bench: $(STAMP)
	@for script in bench/*.py; do echo "== $$script"; tools/with-ipvs $(BIN)/python "$$script" || exit 1; done

# What breaks a target lies in build/fuzz/TARGET; it becomes a golden file, and its defect is mended.
FUZZ_S ?= 600
FUZZ ?= read layout edit again keepalived ldirectord ipvsadm piranha codec
fuzz: $(STAMP)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/pip --disable-pip-version-check install -q -e '.[fuzz]'
	@for target in $(FUZZ); do \
		echo "== $$target"; $(BIN)/python -m tests.fuzz.run $$target -max_total_time=$(FUZZ_S) $(FUZZ_OPTIONS) || exit 1; done

SOAK ?= 1000000
soak: $(STAMP)
	@$(BIN)/python -m compileall -q src
	@tools/with-ipvs $(BIN)/python -m tests.kernel.soak --operations $(SOAK)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find src tests bench -name __pycache__ -prune -exec rm -rf {} +
