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
	rm -rf "$T/kept" "$T/kept.state"
	cp -a "$T/tree" "$T/kept"
	[ ! -e "$T/state" ] || cp -a "$T/state" "$T/kept.state"
	if [ -e "$T/state/journals" ]; then
		undo_all && same "$T/tree" "$T/old" || return 1
	fi
	# the other: repair again
	rm -rf "$T/tree" "$T/state"
	mv "$T/kept" "$T/tree"
	[ ! -e "$T/kept.state" ] || mv "$T/kept.state" "$T/state"
	repair >>"$T/out" 2>&1
	[ $? -le 1 ] && same "$T/tree" "$T/new"
}

sweep repair kill after tear enospc erofs eio
