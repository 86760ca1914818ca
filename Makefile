# SPDX-License-Identifier: Apache-2.0
# darn: see README.md.  "make help" lists the targets.

VERSION := 0.1.0
MODE    ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
B       := build/$(MODE)

# What a fresh Debian 12 needs: to build, to test, and for .ci/run alone.
DEPS_BUILD := gcc libc6-dev make pkg-config libxxhash-dev libzstd-dev \
	libisal-dev libjansson-dev libsqlite3-dev
DEPS_DEMO  := sqlite3 zstd
DEPS_TEST  := $(DEPS_DEMO) check postgresql-15 python3 \
	python3-jsonschema bash-completion mandoc git
DEPS_LINT  := clang clang-format clang-tidy cppcheck shellcheck \
	libclang-rt-14-dev
DEPS_BENCH := xxhash b3sum postgresql-15

LIBS     := libxxhash libzstd libisal jansson sqlite3
PKG      := $(shell command -v pkg-config 2>/dev/null)
CC       ?= gcc
CPPFLAGS_ALL = -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-DDARN_VERSION='"$(VERSION)"' $(PKG_CFLAGS) $(CPPFLAGS)
# One line per file; V=1 shows the commands.
ifeq ($(V),)
SAY = @printf '  %-4s %s\n' $(1) $(2) &&
endif
WARN     := -Wall -Wextra -Wformat=2 -Wformat-security -Wshadow -Wconversion \
	-Wvla -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
	-Wundef -Wwrite-strings
MODE_release := -O2 -g
MODE_debug   := -O0 -g3
MODE_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
MODE_tsan    := -O1 -g -fsanitize=thread
MODE_cov     := -O0 -g --coverage
ifndef MODE_$(MODE)
$(error MODE=$(MODE) is not one of release debug asan tsan cov)
endif
CFLAGS_ALL = -std=c11 -pthread $(WARN) $(MODE_$(MODE)) $(CFLAGS)
ifneq ($(PKG),)
PKG_CFLAGS := $(shell $(PKG) --cflags $(LIBS) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG) --libs $(LIBS) 2>/dev/null)
CHECK_LIBS  = $(shell $(PKG) --libs check)
endif
LDLIBS_ALL = $(PKG_LIBS) $(LDLIBS) -lm

LIB_SRC  := $(sort $(wildcard lib/*/*.c scanners/*.c scanners/*/*.c repair/*.c))
CMD_SRC  := $(sort $(wildcard cmd/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
STRESS_SRC := $(sort $(wildcard tests/stress/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$B/%.o)
CMD_OBJ  := $(CMD_SRC:%.c=$B/%.o)
UNITS    := $(UNIT_SRC:tests/unit/%.c=$B/tests/unit/%)
REPLAYS  := $(FUZZ_SRC:tests/fuzz/%.c=$B/tests/fuzz/%)
STRESSES := $(STRESS_SRC:tests/stress/%.c=$B/tests/stress/%)
SHIMS    := $(patsubst tests/faults/%.c,$B/tests/faults/%.so,\
	$(wildcard tests/faults/*.c))
PROGRAM  := $(if $(filter release,$(MODE)),darn,$B/darn)

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

all: toolchain ## build the program (at ./darn for MODE=release)
	@$(MAKE) --no-print-directory $(PROGRAM)

# A plain "make" on a bare machine says which command to type.
toolchain:
	@command -v $(firstword $(CC)) >/dev/null && command -v pkg-config >/dev/null \
	  && pkg-config --exists $(LIBS) 2>/dev/null \
	  || { echo "make: a compiler or a library is missing: run 'make deps'" >&2; exit 1; }

$(PROGRAM): $(CMD_OBJ) $B/libdarn.a
	$(call SAY,LINK,$@) $(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

$B/libdarn.a: $(LIB_OBJ)
	@rm -f $@
	$(call SAY,AR,$@) $(AR) rcs $@ $^

$B/%.o: %.c $B/flags
	@mkdir -p $(@D)
	$(call SAY,CC,$<) $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# At -O2 the page sum runs at two thirds of its speed.
$B/lib/hash/%.o: MODE_release := -O3 -g

# Changed flags rebuild everything.
$B/flags: FORCE
	@mkdir -p $B
	@echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS) $(LDLIBS_ALL)' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(UNITS): $B/tests/unit/%: $B/tests/unit/%.o $B/tests/unit/main.o $B/libdarn.a
	$(call SAY,LINK,$@) $(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(LDLIBS_ALL)

$(REPLAYS): $B/tests/fuzz/%: $B/tests/fuzz/%.o $B/tests/fuzz/replay.o $B/libdarn.a
	$(call SAY,LINK,$@) $(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

$(STRESSES): $B/tests/stress/%: $B/tests/stress/%.o $B/libdarn.a
	$(call SAY,LINK,$@) $(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

# LD_PRELOAD shims: never sanitized, so that they load into any program.
$B/tests/faults/%.so: tests/faults/%.c
	@mkdir -p $(@D)
	$(call SAY,SHIM,$@) $(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARN) -shared -fPIC -o $@ $< -ldl

.PHONY: all toolchain FORCE deps test demo check bench lint tidy format fuzz \
	tests-built install uninstall clean help

DEPS ?= install
deps: ## install what is missing with apt-get (DEPS=check: only name it)
	@DEPS=$(DEPS) sh tests/deps.sh $(DEPS_BUILD) $(DEPS_DEMO) $(DEPS_TEST)

demo: ## set up, build, and mend a damaged 64 MB database before your eyes
	@DEPS=$(DEPS) sh tests/deps.sh $(DEPS_BUILD) $(DEPS_DEMO)
	@$(MAKE) --no-print-directory -j2 darn MODE=release
	@sh tests/e2e/demo.sh ./darn

test: ## set up, build, and run every test
	@DEPS=$(DEPS) sh tests/deps.sh $(DEPS_BUILD) $(DEPS_TEST)
	@$(MAKE) --no-print-directory -j2 check

tests-built: $(PROGRAM) $(UNITS) $(REPLAYS) $(STRESSES) $(SHIMS)

check: tests-built ## run every test, no set-up (T=pattern: only those)
	@sh tests/run.sh $(MODE) $(PROGRAM) $(T)

bench: ## measure beside today's tools, as ratios from one run
	@DEPS=$(DEPS) sh tests/deps.sh $(DEPS_BUILD) $(DEPS_BENCH)
	@$(MAKE) --no-print-directory -j2 darn MODE=release
	@sh tests/bench/bench.sh ./darn

lint: ## include rules, formatting, manual pages, scripts
	@sh tests/lint/lint.sh

tidy: ## clang-tidy and cppcheck
	@sh tests/lint/tidy.sh '$(CPPFLAGS_ALL)'

fuzz: ## build libFuzzer targets and run each (SECONDS=60)
	@sh tests/fuzz/fuzz.sh '$(CPPFLAGS_ALL)' '$(LDLIBS_ALL)'

format: ## lay out every source file
	clang-format -i $$(git ls-files '*.c' '*.h')

lint-deps: ## install what .ci/run needs beyond the tests
	@DEPS=$(DEPS) sh tests/deps.sh $(DEPS_LINT)

MAN := $(sort $(wildcard man/*.[1-9]))
install: all ## install under DESTDIR and PREFIX
	install -D -m 755 darn $(DESTDIR)$(PREFIX)/bin/darn
	for page in $(MAN); do install -D -m 644 $$page \
	  $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; done
	install -D -m 644 cmd/darn.bash-completion \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/darn

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/darn \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/darn
	for page in $(MAN); do rm -f \
	  $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done

clean: ## remove everything built
	rm -rf build darn

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(CMD_OBJ)) \
	$(patsubst %,%.d,$(UNITS) $(REPLAYS) $(STRESSES)) \
	$B/tests/unit/main.d $B/tests/fuzz/replay.d
