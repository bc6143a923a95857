# Two commands set everything up on a fresh machine: `make run` and `make test`.

.PHONY: help run test bench fuzz demo lint peers console

help:
	@echo "make run     the edge, as configs/quickstart.toml says; needs nothing but Rust"
	@echo "make demo    two calls on this machine, explained as they go"
	@echo "make test    every test; installs what the tests call (Debian packages) when missing"
	@echo "make console builds the console's pages anew (Node 22 or later)"
	@echo "make lint    formatting and clippy"
	@echo "make bench   ratios against Kamailio and rtpengine"
	@echo "make fuzz    every fuzz target, FUZZ_SECONDS each (60)"

# The edge with its embedded defaults; nothing else to install but Rust.
run:
	cargo run --release -- run

# Watch the edge at work: two calls on this machine, explained as they go.
demo:
	cargo run --release -- demo

# Everything: the Debian packages of the real peers, then every test, at last those in a browser.
test: peers lint
	cargo test --profile proof --no-fail-fast
	tests/console/run

# The console's pages, from their sources; the result is committed.
console:
	cd src/api/console && npm ci && npm run build

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

# What the wire tests talk to. Installed only when something is missing.
peers:
	tests/install-peers

# Ratios against Kamailio and rtpengine, in one run on this machine.
bench: peers
	benches/peers/compare

# Each fuzz target for FUZZ_SECONDS (default 60).
fuzz:
	fuzz/run $(or $(FUZZ_SECONDS),60)
