#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A seal that is killed or refused at any writing call: the older manifest or
# the new one is there, whole, and nothing else is touched.
. tests/faults/lib.sh
. tests/faults/sealed.sh
make_sealed
cp "$T/seal" "$T/older"
printf 'grown' >>"$T/tree/a.bin"
find "$T/tree" -exec touch -d 2021-01-01T00:00:00Z {} +
cp -a "$T/tree" "$T/kept"

prepare() {
	rm -rf "$T/made"
	mkdir "$T/made"
	cp "$T/older" "$T/made/seal"
}

command_line() {
	shimmed "$DARN" seal -j0 --manifest "$T/made/seal" "$T/tree"
}

after_point() {
	case "$1" in
	enospc | erofs | eio) failed_well || return 1 ;;
	esac
	same "$T/tree" "$T/kept" || return 1
	# either manifest reads without complaint about itself
	"$DARN" scan --manifest "$T/made/seal" "$T/tree" >>"$T/out" 2>&1
	[ $(($? & ~4)) -eq 0 ] || return 1
	"$DARN" seal --manifest "$T/made/seal" "$T/tree" >>"$T/out" 2>&1 &&
		"$DARN" scan --manifest "$T/made/seal" "$T/tree" >>"$T/out" 2>&1
}

sweep seal kill after tear enospc erofs eio
