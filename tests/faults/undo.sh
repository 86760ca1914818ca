#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# An undo that is killed, torn or refused at any writing call: every unit is
# old or new, and the same undo, run again, puts everything back.
. tests/faults/lib.sh
. tests/faults/sealed.sh
make_sealed

put "$T/old"
repair >"$T/out" 2>&1
[ $? -eq 1 ] || {
	cat "$T/out"
	die 'cannot repair'
}
same "$T/tree" "$T/new" || die 'repair did not finish'
cp -a "$T/state" "$T/repaired.state"
journal=$(find "$T/state/journals" -type f -name '*.journal')
[ -f "$journal" ] || die "not one journal: $journal"

prepare() {
	put "$T/new"
	cp -a "$T/repaired.state" "$T/state"
}

command_line() {
	shimmed "$DARN" undo --yes "$journal"
}

after_point() {
	unit=4096
	case "$1" in
	tear) unit=512 ;;
	enospc | erofs | eio) failed_well || return 1 ;;
	esac
	python3 "$HERE/old_or_new.py" $unit "$T/tree" "$T/old" "$T/new" &&
		"$DARN" undo --yes "$journal" >>"$T/out" 2>&1 &&
		same "$T/tree" "$T/old"
}

sweep undo kill after tear enospc erofs eio
