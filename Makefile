# The commands of a developer. Everything they need is checked first and named at once; they install nothing globally.

.DEFAULT_GOAL := help
.PHONY: help up down reset db test verify bench drills eval-memory eval-lift check build

TARGET := $(or $(CARGO_TARGET_DIR),target)/debug
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release
export PORT_BASE ?= 7700
export DETACH ?= 0
export BENCH ?=
# How the world's schedulers make vectors of memories: lexical; static, which brings the table; or what --embeddings takes.
EMBEDDINGS ?= $(or $(MERIDIAN_EMBEDDINGS),lexical)
STATIC_TABLE := $(abspath $(or $(CARGO_TARGET_DIR),target))/static-table
# Every test, on a database server that is ended afterwards: not one that was there before, nor one that other tests still
# use. `cargo test` by itself leaves the server up, so that the next one starts sooner.
RUN_TESTS := cargo test --locked --workspace --no-run && $(TARGET)/examples/with-test-server cargo test --locked --workspace
# Loopback is never reached through a proxy.
comma := ,
export NO_PROXY := $(if $(NO_PROXY),$(NO_PROXY)$(comma))127.0.0.1,localhost
export no_proxy := $(NO_PROXY)

help:
	@echo "make up      a world on this machine; Ctrl-C ends it, DETACH=1 returns, PORT_BASE= moves all ports"
	@echo "             EMBEDDINGS=static: memories are found by meaning too; brings a table of 18 MB and tells its licence"
	@echo "make down    ends it"
	@echo "make reset   deletes the world's database"
	@echo "make db      starts the local database alone and prints its URL"
	@echo "make test    every test, on a database server of its own, which it ends"
	@echo "make verify  what a change must pass"
	@echo "make bench   figures as JSON lines; BENCH=name runs one"
	@echo "make drills  takes regions, links and databases away from worlds of their own, and prints what happened"
	@echo "make eval-memory  how well recall finds what helps; EVAL_ARGS='--format json'"
	@echo "make eval-lift  what memory is worth to agents, on a world of its own; LIFT_ARGS='--help'"

check:
	@scripts/check-prerequisites

build: check
	@cargo build --quiet --locked -p scheduler -p region-agent -p topology-cli -p memory-cli

up: build
	@if [ "$(EMBEDDINGS)" = static ]; then scripts/get-static-table "$(STATIC_TABLE)"; fi
	@MERIDIAN_EMBEDDINGS="$(if $(filter static,$(EMBEDDINGS)),static:$(STATIC_TABLE),$(EMBEDDINGS))" $(TARGET)/scheduler dev

down:
	@if [ -x $(TARGET)/scheduler ]; then $(TARGET)/scheduler dev stop; else echo "no world is running"; fi

reset: build
	@$(TARGET)/scheduler dev reset

db: build
	@$(TARGET)/scheduler dev db

test: check
	@$(RUN_TESTS)

verify: check
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	@if command -v cargo-deny >/dev/null 2>&1; then cargo deny --locked check bans licenses sources; else echo "cargo-deny is not here (cargo install cargo-deny --locked): bans, licences and sources were not checked"; fi
	@$(RUN_TESTS)
	@if command -v go >/dev/null 2>&1; then sql/parse-check/run; else echo "go is not here: CockroachDB's parser did not see the statements"; fi

# On a database of its own, so that a world that is up is not measured along.
bench: export PORT_BASE = 37700
bench: check
	@cargo build --quiet --release --locked -p scheduler -p region-agent -p bench
	@trap '$(RELEASE)/scheduler dev stop >/dev/null' EXIT; \
		MERIDIAN_BENCH_DATABASE_URL=$$($(RELEASE)/scheduler dev db) $(RELEASE)/bench
	@case "$$BENCH" in ""|placement_per_s) cargo bench --quiet --locked -p scheduler-core --features testing --bench placement;; esac

# Every drill of the catalogue that real processes on this machine can do, then the planted bugs, each of which must be
# found. The reports are in target/drills. For a machine that is busy with other things: make drills DRILL_ARGS=--untimed
drills: check
	@cargo build --quiet --locked -p scheduler -p region-agent -p chaos
	@cargo build --quiet --locked -p scheduler --features planted-bugs --bin scheduler-with-bugs
	@rm -rf target/drills
	@$(TARGET)/chaos drill --catalogue --out target/drills $(DRILL_ARGS)
	@$(TARGET)/chaos drill --oracles --out target/drills $(DRILL_ARGS)

# How well recall finds what helps, on texts of linters that are installed under target/. See memory/eval/README.md.
eval-memory: check
	@scripts/eval-memory $(EVAL_ARGS)

# What memory is worth to agents: missions over hidden causes, pools with and without memory, and a control.
eval-lift: check
	@scripts/eval-lift $(LIFT_ARGS)
