#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A PostgreSQL cluster that is held while it is repaired or undone, and the
# work killed, torn or refused at any writing call: the lock is there whole or
# not at all, nothing is half written without it, and both "repair" and "undo"
# finish the work and give the lock back, the stale one of a server that was
# killed as well.
. tests/stores/pg.sh
pg_available || exit 77
. tests/stores/lib.sh
data=$(dataset postgresql) || exit 1
rm -rf "$T"
. tests/faults/lib.sh
# the name that the link to its tablespace has in the dataset
C=$T/clean
pg_copy "$data/clean" "$C"

table=base/5/1249
stale_text="99999999
$C
1700000000
54329
"

cp -a "$C/$table" "$T/new"
cp -a "$C/$table" "$T/old"
printf rotten | dd of="$T/old" bs=1 seek=9000 conv=notrunc status=none
touch -r "$T/new" "$T/old"

put_cluster() {
	rm -rf "$C"/postmaster.pid* "$T/state"
	cp -p "$1" "$C/$table"
	chown --reference="$C" "$C/$table"
	[ "$STALE" = no ] || {
		printf %s "$stale_text" >"$C/postmaster.pid"
		chmod 640 "$C/postmaster.pid"
		touch -d 2001-01-01T00:00:00Z "$C/postmaster.pid"
	}
}

held() {
	[ -d "$C/postmaster.pid" ]
}
# ours, or what was there
lock_is_whole() {
	if held; then
		[ "$(ls "$C/postmaster.pid")" = held-by-darn ] &&
			grep -q '^darn repair, process [0-9]*$' \
				"$C/postmaster.pid/held-by-darn" &&
			[ "$(stat -c '%a %U' "$C/postmaster.pid")" = \
				"700 $(stat -c %U "$C")" ] &&
			[ "$(stat -c '%a %U' "$C/postmaster.pid"/*)" = \
				"600 $(stat -c %U "$C")" ]
	else
		lock_given_back
	fi
}
lock_given_back() {
	if [ "$STALE" = no ]; then
		[ ! -e "$C/postmaster.pid" ]
	else
		printf %s "$stale_text" | cmp - "$C/postmaster.pid" &&
			[ "$(stat -c '%a %Y' "$C/postmaster.pid")" = \
				'640 978307200' ]
	fi
}

# finished FILE: the work is done and nothing of it is left behind
finished() {
	cmp "$C/$table" "$1" && lock_given_back &&
		[ ! -e "$C/postmaster.pid.darn" ] &&
		diff -r --no-dereference -x postmaster.pid -x 1249 \
			"$C" "$data/clean" >>"$T/out"
}

repair() {
	"$@" "$DARN" repair --yes -j0 --assume-stopped "$C/$table" \
		--from "$data/clean"
}

undo_all() {
	for journal in "$T"/state/journals/*; do
		[ -f "$journal" ] || continue
		"$DARN" undo --yes --assume-stopped "$journal" >>"$T/out" 2>&1 ||
			return 1
	done
}

safe() {
	case "$1" in
	enospc | erofs | eio) failed_well || return 1 ;;
	esac
	lock_is_whole || {
		ls -l "$C" "$C/postmaster.pid"
		return 1
	}
	held || cmp -s "$C/$table" "$T/old" || cmp -s "$C/$table" "$T/new"
}

prepare() {
	put_cluster "$T/old"
}
command_line() {
	repair shimmed
}
after_point() {
	safe "$1" && undo_all && finished "$T/old" || return 1
	prepare
	command_line
	repair >>"$T/out" 2>&1
	[ $? -le 1 ] && finished "$T/new"
}

STALE=no
sweep 'repair of a held cluster' kill
STALE=yes
sweep 'repair of a cluster with a stale lock' kill tear eio

put_cluster "$T/old"
repair >"$T/out" 2>&1
cp -a "$T/state" "$T/repaired.state"
journal=$(find "$T/state/journals" -type f -name '*.journal')
[ -f "$journal" ] || die "not one journal: $journal"

prepare() {
	put_cluster "$T/new"
	cp -a "$T/repaired.state" "$T/state"
}
command_line() {
	shimmed "$DARN" undo --yes --assume-stopped "$journal"
}
after_point() {
	safe "$1" && undo_all && finished "$T/old"
}
sweep 'undo of a cluster with a stale lock' kill eio
