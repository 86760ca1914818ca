#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# run.sh MODE PROGRAM [PATTERN] - runs every test of the tree against PROGRAM
# and the test binaries of build/MODE, and prints what each suite passed.
#
# Unit tests, fuzz replays and stress programs are binaries; e2e, stores and
# faults are scripts (exit 0 passed, 77 skipped, anything else failed).
# A skip that tests/SKIPS does not list with its reason is a failure.
set -u

MODE=$1
DARN=$(realpath "$2")
PATTERN=${3:-}
B=${B:-build/$MODE}
export DARN MODE B
LOGS=$B/logs
mkdir -p "$LOGS"
# What a test stores is thrown away, never the state of this machine.
DARN_STATE_DIR=$(mktemp -d "${TMPDIR:-/tmp}/darn-state.XXXXXX")
export DARN_STATE_DIR
trap 'rm -rf "$DARN_STATE_DIR"' EXIT
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1}"

passed=0 failed=0 skipped=0

# run_one NAME COMMAND... - one test; its output goes to a log.
run_one() {
	name=$1
	shift
	case "$name" in
	*"$PATTERN"*) ;;
	*) return 0 ;;
	esac
	log=$LOGS/$(printf %s "$name" | tr / -).log
	began=$(date +%s)
	"$@" >"$log" 2>&1 </dev/null
	status=$?
	took=$(($(date +%s) - began))
	if [ "$status" -eq 77 ] && grep -q "^$name " tests/SKIPS; then
		skipped=$((skipped + 1))
		echo "SKIP $name: $(sed -n "s|^$name  *||p" tests/SKIPS)"
	elif [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok   $name (${took}s) $(grep -E '^[0-9]+%: Checks' "$log")"
	else
		failed=$((failed + 1))
		echo "FAIL $name (exit $status, ${took}s), $log ends:"
		tail -n 25 "$log" | sed 's/^/     /'
	fi
}

for test in "$B"/tests/unit/test_*; do
	case "$test" in *.o | *.d | *.gc*) continue ;; esac
	run_one "unit/${test##*/}" "$test"
done
for test in "$B"/tests/fuzz/fuzz_*; do
	case "$test" in *.o | *.d | *.gc*) continue ;; esac
	run_one "fuzz/${test##*/}" "$test" "tests/fuzz/corpus/${test##*/}"
done
for test in "$B"/tests/stress/*; do
	case "$test" in *.o | *.d | *.gc*) continue ;; esac
	run_one "stress/${test##*/}" "$test"
done
for dir in e2e stores faults; do
	for test in tests/"$dir"/*.sh; do
		test=${test##*/}
		# helpers and makers of datasets, not tests
		case "$test" in lib.sh | sealed.sh | pg.sh | make-* | demo.sh | '*.sh') continue ;; esac
		run_one "$dir/${test%.sh}" sh "tests/$dir/$test"
	done
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
