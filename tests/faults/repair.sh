#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A repair that is killed, torn or refused at any writing call: every unit is
# old or new, and both "repair" and "undo" finish the work.
. tests/faults/lib.sh
. tests/faults/sealed.sh
make_sealed

prepare() {
	put "$T/old"
}

command_line() {
	repair shimmed
}

undo_all() {
	for journal in "$T"/state/journals/*; do
		[ -f "$journal" ] || continue
		"$DARN" undo --yes "$journal" >>"$T/out" 2>&1 || return 1
	done
}

after_point() {
	unit=4096
	case "$1" in
	tear) unit=512 ;;
	enospc | erofs | eio) failed_well || return 1 ;;
	esac
	python3 "$HERE/old_or_new.py" $unit "$T/tree" "$T/old" "$T/new" || return 1
	# one road on: undo
	if [ -e "$T/state/journals" ]; then
		undo_all && same "$T/tree" "$T/old" || return 1
	fi
	# the other, from the same point: repair again
	prepare
	command_line
	repair >>"$T/out" 2>&1
	[ $? -le 1 ] && same "$T/tree" "$T/new"
}

sweep repair kill after tear enospc erofs eio
