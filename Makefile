# `make` alone lists the targets. `make demo` and `make test` do all of their set-up on a Debian 12 machine that has a
# Swift 6 toolchain.
PREFIX ?= /usr/local
SWIFT ?= swift
BUILD := .build
PACKAGES := liblua5.4-dev libsqlite3-dev pkg-config
# What WeasyPrint draws with, fonts for documents, and poppler, with which the tests look into PDFs.
PDF_PACKAGES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-inter fonts-noto-core poppler-utils
PYTHON ?= python3
SOAK_MINUTES ?= 10
PYTHON_PARTS := Sources/Services/Python
REQUIREMENTS := $(PYTHON_PARTS)/requirements.txt
INSTALLED_PYTHON = $(DESTDIR)$(PREFIX)/share/coulisse/python
RELEASE := -c release -Xswiftc -static-stdlib

.DEFAULT_GOAL := help
.PHONY: help setup packages build demo test crash soak bench peers instructions instructions-update valgrind release \
  install install-python clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(BUILD)/python/.complete ## Install what is missing: the system's libraries (apt), Python's packages (pip)

# An order-only prerequisite is made first, and is no reason to make the environment anew.
$(BUILD)/python/.complete: $(REQUIREMENTS) | packages
	$(call make_environment,$(BUILD)/python)

# The environment is made from nothing: an old package that is no longer asked for is gone. The stamp is set last.
define make_environment
	@echo "installing WeasyPrint and pikepdf in $(1)" >&2
	@rm -rf "$(1)"
	@$(PYTHON) -m venv "$(1)" || { $(ROOT) apt-get update -q >&2; \
	  $(ROOT) apt-get install -y -q python3-venv >&2 && $(PYTHON) -m venv "$(1)"; }
	@"$(1)/bin/python3" -m pip install -q --disable-pip-version-check --only-binary :all: -r $(REQUIREMENTS) >&2
	@touch "$(1)/.complete"
endef

ROOT = $$([ "$$(id -u)" = 0 ] || echo sudo)

packages:
	@$(SWIFT) --version >/dev/null 2>&1 || { echo "make: a Swift 6 toolchain is needed; see swift.org/install" >&2; exit 1; }
	@missing=; pkg-config --exists lua5.4 sqlite3 2>/dev/null || missing="$(PACKAGES)"; \
	if command -v dpkg-query >/dev/null && \
	  dpkg-query -W -f '$${Status}\n' $(PDF_PACKAGES) 2>&1 | grep -qv '^install ok installed$$'; then \
	  missing="$$missing $(PDF_PACKAGES)"; \
	fi; \
	[ -z "$$missing" ] || { \
	  echo "installing $$missing" >&2; \
	  $(ROOT) apt-get update -q >&2 && $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $$missing >&2; }

build: setup ## Build the program for development
	$(SWIFT) build --product coulisse

demo: build ## Tell the story of three deals, in a workspace of its own
	@$(BUILD)/debug/coulisse demo

test: setup ## All tests: the rooms, the shipped scripts, killed processes, 1,000 simulated histories
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

crash: setup ## The minute of random kills alone (CRASH_SEED=… repeats one, CRASH_SECONDS=… lengthens it)
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --filter CrashTests

soak: setup ## Ten minutes of simulated histories from new seeds, then a million runs (SOAK_MINUTES=…)
	$(SWIFT) build $(RELEASE) --product coulisse-sim
	@$(BUILD)/release/coulisse-sim --minutes $(SOAK_MINUTES) --events 40
	@$(BUILD)/release/coulisse-sim --growth 1000000

bench: setup peers ## Measure beside the same work in C and beside peers, in one interleaved run
	$(SWIFT) build $(RELEASE) --product coulisse-bench
	$(SWIFT) build $(RELEASE) --product coulisse
	@PEERS_PYTHON=$$([ -e $(PEERS)/.complete ] && echo "$(PEERS)/bin/python3" || echo $(PYTHON)) \
	  $(BUILD)/release/coulisse-bench

PEERS := $(CURDIR)/$(BUILD)/peers

# What can't be installed is left out, and the benchmark says so.
peers:
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { echo "installing PostgreSQL" >&2; \
	  $(ROOT) apt-get update -q >&2; \
	  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q postgresql >&2; } || \
	  echo "PostgreSQL can't be installed here" >&2
	@[ -e $(PEERS)/.complete ] || { echo "installing DBOS Transact in $(PEERS)" >&2; $(PYTHON) -m venv $(PEERS) && \
	  $(PEERS)/bin/python3 -m pip install -q --disable-pip-version-check dbos >&2 && touch $(PEERS)/.complete; } || \
	  echo "DBOS Transact can't be installed here" >&2

instructions: setup valgrind ## Compare the instruction counts of fixed workloads with the committed ones
	$(SWIFT) build --product coulisse-bench
	@Sources/coulisse-bench/instructions.sh $(BUILD)/debug/coulisse-bench

instructions-update: setup valgrind ## Commit these after a change that is worth what it costs
	$(SWIFT) build --product coulisse-bench
	@Sources/coulisse-bench/instructions.sh $(BUILD)/debug/coulisse-bench --update

# Where it can't be had, the comparison is left out, and says so.
valgrind:
	@command -v valgrind >/dev/null || { echo "installing valgrind" >&2; $(ROOT) apt-get update -q >&2; \
	  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q valgrind >&2; } || true

release: setup ## Build the program for use: one binary, the Swift library in it
	$(SWIFT) build $(RELEASE) --product coulisse

install: release ## Install the program, its scripts and examples under PREFIX (default /usr/local)
	install -D -s -m 755 $(BUILD)/release/coulisse $(DESTDIR)$(PREFIX)/bin/coulisse
	mkdir -p $(DESTDIR)$(PREFIX)/share/coulisse
	cp -R Scripts Examples $(DESTDIR)$(PREFIX)/share/coulisse/
	@cmp -s $(REQUIREMENTS) "$(INSTALLED_PYTHON)/requirements.txt" && [ -e "$(INSTALLED_PYTHON)/.complete" ] \
	  || $(MAKE) --no-print-directory install-python
	cp $(PYTHON_PARTS)/documents.py $(REQUIREMENTS) "$(INSTALLED_PYTHON)"

# Beside the program's share, so that it needs no source tree to make documents.
install-python:
	$(call make_environment,$(INSTALLED_PYTHON))

clean: ## Remove what was built
	rm -rf $(BUILD)
