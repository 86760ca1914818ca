# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib.sh - what the tests on real stores share.  To be sourced from the root
# of the tree, with DARN and B set by tests/run.sh.
set -u
T=$(mktemp -d "${TMPDIR:-/tmp}/darn-stores.XXXXXX")
# The server of a test may run as another user, who works in here.
chmod 777 "$T"
export T DARN_STATE_DIR="$T/state"
cleanup() {
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

die() {
	echo "FAILED: $*" >&2
	[ ! -e "$T/out" ] || tail -n 30 "$T/out" >&2
	exit 1
}

# dataset NAME: the directory with what make-NAME.sh makes; made once for all
# tests, anew when its script has changed.
dataset() {
	made=$B/stores/$1
	mkdir -p "$B/stores"
	sum=$(cat "tests/stores/make-$1.sh" | cksum | tr ' ' -)
	(
		flock 9
		[ "$(cat "$made.sum" 2>/dev/null)" = "$sum" ] && exit 0
		rm -rf "$made" "$made.sum"
		sh "tests/stores/make-$1.sh" "$made" >"$B/stores/$1.log" 2>&1 ||
			{ cat "$B/stores/$1.log" >&2; exit 1; }
		echo "$sum" >"$made.sum"
	) 9>"$B/stores/lock" || die "cannot make the $1 dataset"
	echo "$made"
}

# expect_exit WANT COMMAND...: output in $T/out
expect_exit() {
	want=$1
	shift
	"$@" >"$T/out" 2>&1
	got=$?
	[ "$got" -eq "$want" ] || die "exit $got, not $want: $*"
}
