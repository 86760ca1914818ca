# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib.sh - what the tests of the command line share.  To be sourced from the
# root of the tree; DARN is the program.  Each test has a directory of its own,
# $T, and a state directory in it, and prints a line for each thing it saw.
set -u
DARN=$(realpath "${DARN:-./darn}")
T=$(mktemp -d "${TMPDIR:-/tmp}/darn-e2e.XXXXXX")
export DARN T DARN_STATE_DIR="$T/state"
ROOT=$PWD
# What a terminal or a user's settings would change.
unset NO_COLOR
export LC_ALL=C TERM=dumb
cleanup() {
	chmod -R u+rwx "$T" 2>/dev/null
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# fail TEXT - the test ends here
fail() {
	echo "FAIL: $*" >&2
	for f in out err; do
		[ ! -s "$T/$f" ] || head -n 20 "$T/$f" | sed "s/^/  $f: /" >&2
	done
	exit 1
}

# check TEXT COMMAND... - COMMAND must be true
check() {
	text=$1
	shift
	"$@" || fail "$text ($*)"
	echo "ok: $text"
}

# requires PROGRAM... - skips the test where one is missing
requires() {
	for program; do
		command -v "$program" >/dev/null && continue
		echo "skipped: no $program"
		exit 77
	done
}

# run ARGUMENT... - output in $T/out and $T/err, exit status in $STATUS
run() {
	STATUS=0
	"$DARN" "$@" >"$T/out" 2>"$T/err" </dev/null || STATUS=$?
}

# exits STATUS ARGUMENT... - runs and checks the exit status
exits() {
	want=$1
	shift
	run "$@"
	[ "$STATUS" -eq "$want" ] ||
		fail "darn $* gave exit $STATUS, not $want"
	echo "ok: exit $want from darn $*" | sed "s|$T|T|g"
}

# says REGEX, complains REGEX - a line of standard output, of standard error
says() {
	grep -qE -- "$1" "$T/out" || fail "standard output has no $1"
}
complains() {
	grep -qE -- "$1" "$T/err" || fail "standard error has no $1"
}

# usage_error TEXT ARGUMENT... - exit 16, TEXT in one line, a hint, no output
usage_error() {
	text=$1
	shift
	exits 16 "$@"
	complains "^darn: .*$text"
	complains "^Try 'darn .*'\.\$"
	[ "$(wc -l <"$T/err")" -eq 2 ] || fail "more than a line and a hint"
	[ ! -s "$T/out" ] || fail "a usage error wrote to standard output"
}

# valid_json FILE - every line of the report keeps the contract
valid_json() {
	python3 "$ROOT/tests/e2e/check_report.py" \
		"$ROOT/tests/e2e/darn-report.schema.json" "$1" || fail "not a valid report"
}

# cluster DIR - files of a PostgreSQL 15 cluster, put together from pages that
# a server wrote.  base/5/16384 has one page, block 1000; what is missing of
# the cluster lies outside base/; its list of databases is there and empty, so
# that nothing is out of sight.  damage DIR changes a byte of the page.
cluster() {
	data=$ROOT/tests/unit/data/postgresql
	mkdir -p "$1/global" "$1/base/5" "$1/pg_wal" "$1/pg_xact"
	echo 15 >"$1/PG_VERSION"
	echo 15 >"$1/base/5/PG_VERSION"
	cp "$data/pg15_pg_control.bin" "$1/global/pg_control"
	cp "$data/pg15_pg_filenode.map" "$1/global/pg_filenode.map"
	cp "$data/pg15_pg_filenode.map" "$1/base/5/pg_filenode.map"
	: >"$1/global/1262"
	dd if="$data/pg15_heap_b1000.bin" of="$1/base/5/16384" bs=8192 \
		seek=1000 status=none
}
damage() {
	printf '\377' | dd of="$1/base/5/16384" bs=1 seek=8195000 \
		conv=notrunc status=none
}
