#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh CPPFLAGS LDLIBS - builds every tests/fuzz/fuzz_*.c with libFuzzer and
# the address and undefined-behaviour sanitizers and runs each for SECONDS
# (default 60).  T=pattern: only those.  A crash is left in build/fuzz and is
# to be kept in tests/fuzz/corpus/TARGET, where replay.c runs it from then on.
# shellcheck disable=SC3028 # SECONDS comes from "make fuzz SECONDS=..."
set -eu

cppflags=$1
ldlibs=$2
CLANG=${CLANG:-clang}
B=${B:-build/fuzz}
flags="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined"

if ! command -v "$CLANG" >/dev/null; then
	echo "fuzz.sh: $CLANG is missing: run 'make lint-deps'" >&2
	exit 1
fi
# Without what the calling make hands down: B and CC are others here.
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -j2 B="$B" MODE=release \
	CC="$CLANG" MODE_release=-g CFLAGS="$flags -fsanitize=fuzzer-no-link" \
	"$B/libdarn.a"

status=0
for src in tests/fuzz/fuzz_*.c; do
	name=$(basename "$src" .c)
	case $name in *"${T:-}"*) ;; *) continue ;; esac
	# shellcheck disable=SC2086 # flags are lists
	"$CLANG" -std=c11 -pthread $cppflags $flags -fsanitize=fuzzer \
		-o "$B/$name" "$src" "$B/libdarn.a" $ldlibs
	mkdir -p "$B/corpus/$name" "tests/fuzz/corpus/$name"
	echo "fuzz $name for ${SECONDS:-60} s"
	if "$B/$name" -max_total_time="${SECONDS:-60}" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$B/$name-" "$B/corpus/$name" \
		"tests/fuzz/corpus/$name" >"$B/$name.log" 2>&1; then
		grep '^stat::number_of_executed' "$B/$name.log"
	else
		status=1
		echo "FAIL $name, $B/$name.log ends:"
		tail -n 30 "$B/$name.log"
	fi
done
exit $status
