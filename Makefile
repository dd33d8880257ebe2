# Every check is one command; `make test` is all of them, in order, up to the first that fails.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help
export PATH := $(HOME)/.cargo/bin:$(PATH)

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
HOST = $(shell rustc --print host-tuple)
ARM := thumbv7em-none-eabihf
ARM_V8 := thumbv8m.main-none-eabihf
IMAGE := $(TARGET_DIR)/$(ARM)/firmware/mps2-an386
GATEWAY := $(TARGET_DIR)/$(ARM)/firmware/gateway-mps2
# What the image with small tables is held to: the same on this machine.
JUDGE := $(TARGET_DIR)/debug/examples/judge
FIRMWARE := --package tagout-firmware --target $(ARM) --profile firmware --features mps2-an386
H743ZI := --package tagout-firmware --target $(ARM) --profile firmware --features nucleo-h743zi --bin nucleo-h743zi
H563ZI := --package tagout-firmware --target $(ARM_V8) --profile firmware --features nucleo-h563zi --bin nucleo-h563zi
# Where the source, the registry's and the build are does not show in what is published: any folder gives the same bytes.
FOLDERS := $(CURDIR)=/tagout $(abspath $(TARGET_DIR))=/tagout/target $(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo
COMMA := ,
REMAP := --config "target.'cfg(all())'.rustflags = [$(foreach folder,$(FOLDERS),'--remap-path-prefix=$(folder)'$(COMMA))]"
# The same for the C and the assembly in dependencies.
RELEASE_CARGO := CFLAGS='$(FOLDERS:%=-ffile-prefix-map=%)' cargo $(REMAP)
BOARDS := $(TARGET_DIR)/$(ARM)/firmware/nucleo-h743zi $(TARGET_DIR)/$(ARM_V8)/firmware/nucleo-h563zi
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 600
# Packets a second; half of the greatest rate without loss if not given.
SOAK_RATE ?=
DECLARE_SECONDS ?= 60
DEMO_OUTPUT ?= demo-output
SCORE ?=

# What is measured is the program that is published.
MEASURED := TAGOUT_BIN=$(abspath $(TARGET_DIR))/release/tagout
RATE := $(MEASURED) $(RELEASE_CARGO) run --quiet --profile bench --package tagout-tests --bin rate --locked --

step = printf '\n== %s\n' "$(1)"

.PHONY: help demo demo-record test test-gateway-linux deb container setup format compiled lint lint-host lint-firmware rustdoc licences msrv firmware sizes reproducible sbom release tests units fuzz coverage compare bench setup-measure rate soak declare score docs

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run a small plant and watch tagout catch its agent, and who pretends to be it (about 30 s after the build)
	@tests/setup.sh build
	@$(call step,build: tagout and the plant)
	@cargo build --package tagout --package tagout-tests --bin tagout --bin plant
	@$(TARGET_DIR)/debug/plant demo --tagout $(TARGET_DIR)/debug/tagout --output $(DEMO_OUTPUT)

demo-record: ## record the demo's capture and declarations anew, for machines that may not capture (needs root or CAP_NET_RAW)
	@tests/setup.sh build
	@cargo build --package tagout --package tagout-tests --bin tagout --bin plant
	@$(TARGET_DIR)/debug/plant demo --tagout $(TARGET_DIR)/debug/tagout --output $(DEMO_OUTPUT) --live-only
	@mkdir -p tests/demo/recorded
	@cp $(addprefix $(DEMO_OUTPUT)/,capture.pcap declared.jsonl policy.toml) tests/demo/recorded/

test: setup format licences msrv compiled sizes units ## run every check
	@$(call step,all checks passed)

setup:
	@$(call step,setup: what is missing of system packages and Rust components and protocol peers)
	@tests/setup.sh build test peers licences

format: ## check the formatting
	@$(call step,format: rustfmt)
	@cargo fmt --all --check

# Most of what is compiled waits for what came before it, and cargo does one thing at a time in a folder of the target folder: two
# rows, which share no such folder, keep two cores at work.
compiled:
	@$(MAKE) --no-print-directory lint-firmware firmware release & row=$$!; \
		trap "kill $$row 2> /dev/null || true" EXIT; \
		$(MAKE) --no-print-directory lint-host rustdoc tests; \
		wait $$row

lint: format lint-host lint-firmware ## check the formatting and run clippy, warnings denied

lint-host:
	@$(call step,lint: clippy on every target and on tagout without libpcap)
	@cargo clippy --quiet --workspace --all-targets --locked -- --deny warnings
	@cargo clippy --quiet --package tagout --no-default-features --locked -- --deny warnings

lint-firmware:
	@$(call step,lint: clippy on the firmware)
	@cargo clippy --quiet $(FIRMWARE) --locked -- --deny warnings
	@cargo clippy --quiet $(H743ZI) --locked -- --deny warnings
	@cargo clippy --quiet $(H563ZI) --locked -- --deny warnings

rustdoc:
	@$(call step,rustdoc: warnings denied)
	@RUSTDOCFLAGS='--deny warnings' cargo doc --quiet --workspace --no-deps --locked

licences: ## check licences, bans and sources of every dependency
	@$(call step,licences: cargo-deny)
	@cargo deny --locked --log-level error check --hide-inclusion-graph licenses bans sources

# The declared toolchain proves it where it is installed; where it is the one in use, everything does. Elsewhere clippy's
# incompatible_msrv, part of `lint`, knows which library calls are younger, and the resolver picks dependencies that declare to
# build with it.
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
MSRV_TOOLCHAIN := $(firstword $(shell rustup toolchain list 2>/dev/null | grep '^$(MSRV)[.-]'))
msrv:
	@$(call step,msrv: Rust $(MSRV))
	@if rustc --version | grep -q '^rustc $(MSRV)[.]'; then \
		echo 'it is the one in use'; \
	elif [ -n '$(MSRV_TOOLCHAIN)' ]; then \
		cargo '+$(MSRV_TOOLCHAIN)' check --quiet --workspace --locked --target-dir $(TARGET_DIR)/msrv; \
	else \
		echo 'Rust $(MSRV) is not installed here: checked by clippy::incompatible_msrv and the resolver only'; \
	fi

firmware: ## link the sensor for a Cortex-M4 (no std, no allocator, no way to panic), and the gateway for every board
	@$(call step,firmware: links for $(ARM) without std or an allocator or any way to panic)
	@cargo build --quiet $(REMAP) $(FIRMWARE),small-tables --bin mps2-an386 --locked
	@cp $(IMAGE) $(IMAGE)-small
	@cargo build --quiet $(REMAP) $(FIRMWARE) --locked
	@cp $(GATEWAY) $(GATEWAY)-an386
	@cargo build --quiet $(REMAP) $(subst an386,an500,$(FIRMWARE)) --bin gateway-mps2 --locked
	@cp $(GATEWAY) $(GATEWAY)-an500
	@cargo build --quiet $(REMAP) $(H743ZI) --locked
	@cargo build --quiet $(REMAP) $(H563ZI) --locked

sizes: firmware ## what the firmware takes of flash and RAM, against its budget
	@$(call step,sizes: flash and RAM of the firmware)
	@cargo run --quiet --package tagout-tests --bin sizes --locked -- $(IMAGE) $(GATEWAY)-an386 $(GATEWAY)-an500 $(BOARDS)

reproducible: ## build the firmware and the Debian package in two folders from nothing and compare them byte by byte (an hour)
	@tests/setup.sh build test package
	@tests/reproducible.sh

sbom: firmware ## write what the daemon and each gateway image are made of to target/sbom (CycloneDX 1.5, JSON)
	@tests/setup.sh build
	@$(call step,sbom: $(TARGET_DIR)/sbom)
	@mkdir -p $(TARGET_DIR)/sbom
	@cargo build --quiet --package tagout-tests --bin sbom --locked
	@for target in $(ARM):nucleo-h743zi $(ARM_V8):nucleo-h563zi; do \
		image=$${target#*:}; \
		$(TARGET_DIR)/debug/sbom tagout-firmware "$(TARGET_DIR)/$${target%%:*}/firmware/$$image" "$${target%%:*}" "$$image" \
			> "$(TARGET_DIR)/sbom/$$image.cdx.json"; \
	done
	@$(RELEASE_CARGO) build --quiet --release --package tagout --locked
	@$(TARGET_DIR)/debug/sbom tagout $(TARGET_DIR)/release/tagout $(HOST) default > $(TARGET_DIR)/sbom/tagout.cdx.json

release:
	@$(call step,release: the program that is tested and measured)
	@$(RELEASE_CARGO) build --quiet --release --package tagout --locked

tests:
	@$(call step,tests: compiled)
	@cargo test --quiet --workspace --no-run --locked
	@cargo build --quiet --package tagout-firmware --example judge --features small-tables --locked
	@cp $(JUDGE) $(JUDGE)-small

units: firmware release tests
	@$(call step,tests: unit and property tests - end to end - short fuzzing - documentation)
	@TAGOUT_BIN=$(abspath $(TARGET_DIR))/release/tagout TAGOUT_FIRMWARE=$(abspath $(IMAGE)) \
		TAGOUT_FIRMWARE_SMALL=$(abspath $(IMAGE))-small TAGOUT_JUDGE_SMALL=$(abspath $(JUDGE))-small \
		TAGOUT_GATEWAY_AN386=$(abspath $(GATEWAY))-an386 TAGOUT_GATEWAY_AN500=$(abspath $(GATEWAY))-an500 cargo test --workspace --locked

deb: ## build the Debian package, and look whether it is whole: target/debian/tagout_*.deb
	@tests/setup.sh build package
	@$(call step,build: tagout - its manual page and completions)
	@$(RELEASE_CARGO) build --quiet --release --package tagout --locked
	@mkdir -p $(TARGET_DIR)/release/package
	@$(TARGET_DIR)/release/tagout man | gzip -9n > $(TARGET_DIR)/release/package/tagout.1.gz
	@for shell in bash:tagout.bash zsh:_tagout fish:tagout.fish; do \
		$(TARGET_DIR)/release/tagout completions "$${shell%%:*}" > "$(TARGET_DIR)/release/package/$${shell#*:}"; \
	done
	@$(call step,package: cargo-deb)
	@rm -f $(TARGET_DIR)/debian/tagout_*.deb
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct || echo 0)} \
		cargo deb --quiet --package tagout --no-build --strip --locked
	@tests/deb.sh $(TARGET_DIR)/debian/tagout_*.deb

container: ## build the container image and try it out (root, podman and the base images; fetches none)
	@tests/container.sh

LINUX := aarch64-unknown-linux-musl
LINUX_PROGRAMS := $(TARGET_DIR)/$(LINUX)/debug
test-gateway-linux: ## boot Debian's arm64 kernel with the static daemon, and compare its alerts (about a minute after the build)
	@tests/setup.sh build gateway-linux
	@$(call step,build: tagout for $(LINUX) without libpcap - what starts it there)
	@cargo build --quiet --package tagout --package tagout-guest --no-default-features --target $(LINUX) --locked
	@cargo build --quiet --package tagout --locked
	@$(call step,test: alerts of an emulated gateway over syslog - those of replay)
	@TAGOUT_BIN=$(abspath $(TARGET_DIR))/debug/tagout TAGOUT_LINUX_KERNEL=$(abspath $(TARGET_DIR))/gateway-linux/kernel \
		TAGOUT_LINUX_PROGRAMS=$(abspath $(LINUX_PROGRAMS)) \
		cargo test --package tagout-tests --test gateway_loop --locked -- --nocapture linux::

fuzz: ## fuzz every target for FUZZ_SECONDS each (nightly Rust and cargo-fuzz)
	@tests/setup.sh build fuzz
	@cargo +nightly fuzz build --fuzz-dir tests/fuzz
	@TIMEFORMAT=$$'\n== fuzzing took %U s of CPU time and %S s in the kernel'; time \
	for target in $$(cargo fuzz list --fuzz-dir tests/fuzz); do \
		printf '\n== %s: %s s\n' "$$target" $(FUZZ_SECONDS); \
		mkdir -p "tests/fuzz/found/$$target"; \
		cargo +nightly fuzz run --fuzz-dir tests/fuzz "$$target" "tests/fuzz/found/$$target" "tests/fuzz/corpus/$$target" \
			-- -max_total_time=$(FUZZ_SECONDS); \
	done

coverage: ## measure which lines of the parsers corpora and behaviour tests reach; fails below 95 %
	@tests/setup.sh build coverage
	@tests/coverage.sh

compare: ## compare with tshark what tagout tells of captures of yours (CAPTURES='a.pcap b.pcapng'); fails where they differ
	@tests/setup.sh build
	@cargo build --quiet --package tagout --locked
	@cargo run --quiet --package tagout-tests --bin compare --locked -- $(CAPTURES)

bench: ## measure replay against a bare libpcap read loop (BENCH_CAPTURES names files of your own)
	@tests/setup.sh build
	@$(RELEASE_CARGO) build --quiet --release --package tagout --locked
	@$(MEASURED) $(RELEASE_CARGO) bench --package tagout-tests --bench replay -- $(BENCH_CAPTURES)

setup-measure:
	@tests/setup.sh build measure

rate: setup-measure release ## measure the greatest rate that a live sensor takes without loss, beside tcpdump (root; some minutes)
	@$(RATE) rate

soak: setup-measure release ## keep half of that rate for SOAK_SECONDS, and look whether memory, descriptors and counts stay right (root)
	@$(RATE) soak --seconds $(SOAK_SECONDS) $(if $(SOAK_RATE),--rate $(SOAK_RATE))

declare: setup-measure release ## hear a million intents an hour for DECLARE_SECONDS beside a rate, signed and as spans, and look what they cost (root)
	@$(RATE) declare --seconds $(DECLARE_SECONDS)

score: ## score detection on labelled captures (SCORE='--write docs/reference/score.md' writes the report, '--help' tells more)
	@tests/setup.sh build
	@cargo run --quiet --package tagout-tests --bin score --locked -- $(SCORE)

docs: ## build the API reference, and the guide where mdbook is installed
	@cargo doc --no-deps --workspace
	@if command -v mdbook >/dev/null; then mdbook build docs; else echo 'mdbook is not installed: read the guide under docs/'; fi
