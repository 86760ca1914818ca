# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib.sh - a sweep: one command is ended or troubled at its first writing
# system call, at its second, and so on until it gets through, and the world is
# looked at after each.  Sourced by the scripts beside it, which define
#
#   prepare         makes the world as it is before the command (fresh each time)
#   command_line    runs the command (through "shimmed")
#   after_point MODE  looks at what is left; non-zero if something is wrong
#
# and call sweep.  Needs DARN and B from tests/run.sh.
set -u
SHIM=$(realpath "$B/tests/faults/crash.so")
T=$(mktemp -d "${TMPDIR:-/tmp}/darn-faults.XXXXXX")
trap 'rm -rf "$T"' EXIT
export DARN_STATE_DIR="$T/state"
# shellcheck disable=SC2034 # used by the sweeps
HERE=$PWD/tests/faults
# A preloaded shim comes before the sanitizer's runtime, and a process that is
# killed has no leaks to speak of.
export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0

die() {
	echo "FAULTS: $*" >&2
	exit 1
}

# shimmed COMMAND...: runs it under the shim, output kept in $T/out
shimmed() {
	env LD_PRELOAD="$SHIM" DARN_CRASH_MODE="$MODE_NOW" DARN_CRASH_AT="$AT" \
		DARN_CRASH_COUNT="$T/count" "$@" >"$T/out" 2>&1
}

# sweep NAME MODE...: every point of every mode; prints how many there were
sweep() {
	name=$1
	shift
	MODE_NOW=none AT=0
	prepare
	command_line
	status=$?
	[ "$status" -le 4 ] || {
		cat "$T/out"
		die "$name fails without any fault: exit $status"
	}
	points=$(cat "$T/count")
	[ "$points" -gt 0 ] || die "$name: the shim saw no call that writes"
	for MODE_NOW in "$@"; do
		AT=1
		while [ "$AT" -le "$points" ]; do
			prepare
			command_line
			STATUS=$?
			after_point "$MODE_NOW" || {
				cat "$T/out"
				die "$name: $MODE_NOW at call $AT of $points"
			}
			AT=$((AT + 1))
		done
		echo "$name: $MODE_NOW at each of $points calls: ok"
	done
}

# failed_well: the command said what is wrong and set bit 8 (or got through
# because what failed did not matter)
failed_well() {
	[ "$STATUS" -eq 0 ] && return 0
	[ $((STATUS & 8)) -ne 0 ] && [ "$STATUS" -lt 64 ] &&
		grep -q 'darn: ' "$T/out"
}
