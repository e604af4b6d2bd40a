# `make` alone lists the targets. `make demo` and `make test` do all of their set-up on a Debian 12 machine that has a
# Swift 6 toolchain.
PREFIX ?= /usr/local
SWIFT ?= swift
BUILD := .build
PACKAGES := liblua5.4-dev libsqlite3-dev pkg-config
RELEASE := -c release -Xswiftc -static-stdlib

.DEFAULT_GOAL := help
.PHONY: help setup build demo test crash bench release install clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the system's libraries if they are missing (apt)
	@$(SWIFT) --version >/dev/null 2>&1 || { echo "make: a Swift 6 toolchain is needed; see swift.org/install" >&2; exit 1; }
	@if ! pkg-config --exists lua5.4 sqlite3 2>/dev/null; then \
	  root=; [ "$$(id -u)" = 0 ] || root=sudo; \
	  echo "installing $(PACKAGES)" >&2; \
	  $$root apt-get update -q >&2 && $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $(PACKAGES) >&2; \
	fi

build: setup ## Build the program for development
	$(SWIFT) build --product coulisse

demo: build ## Tell the story of three deals, in a workspace of its own
	@$(BUILD)/debug/coulisse demo

test: setup ## All tests: the rooms, the shipped scripts, killed processes
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

crash: setup ## The minute of random kills alone (CRASH_SEED=… repeats one, CRASH_SECONDS=… lengthens it)
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --filter CrashTests

bench: setup ## Measure beside the same work in C, in one interleaved run
	$(SWIFT) build $(RELEASE) --product coulisse-bench
	$(SWIFT) build $(RELEASE) --product coulisse
	@$(BUILD)/release/coulisse-bench

release: setup ## Build the program for use: one binary, the Swift library in it
	$(SWIFT) build $(RELEASE) --product coulisse

install: release ## Install the program, its scripts and examples under PREFIX (default /usr/local)
	install -D -s -m 755 $(BUILD)/release/coulisse $(DESTDIR)$(PREFIX)/bin/coulisse
	mkdir -p $(DESTDIR)$(PREFIX)/share/coulisse
	cp -R Scripts Examples $(DESTDIR)$(PREFIX)/share/coulisse/

clean: ## Remove what was built
	rm -rf $(BUILD)
