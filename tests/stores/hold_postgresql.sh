#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A cluster that a repair holds: no way to start a server gets past that, not
# even Debian's, which removes stale locks; no snapshot or seal is made; a scan
# says so and finds the lock no strange file.  When the repair is finished the
# server starts.
. tests/stores/lib.sh
. tests/stores/pg.sh
data=$(dataset postgresql) || exit 1
C=$T/clean
table=base/5/1249
pg_copy "$data/clean" "$C"
printf rotten | dd of="$C/$table" bs=1 seek=9000 conv=notrunc status=none
chmod 755 "$T"

repair() {
	"$@" "$DARN" repair --yes "$C/$table" --from "$data/clean"
}

# killed COUNT: the first repair, killed at that call
killed() {
	rm -rf "$T/state" "$C/postmaster.pid.darn"
	repair env LD_PRELOAD="$(realpath "$B/tests/faults/crash.so")" \
		ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 \
		DARN_CRASH_MODE=kill DARN_CRASH_AT="$1" >"$T/out" 2>&1
}

at=1
until [ -e "$C/postmaster.pid" ]; do
	[ "$at" -lt 100 ] || die 'no repair holds the cluster'
	killed "$at"
	at=$((at + 1))
done
look() {
	find "$C/postmaster.pid" -ls
}
look >"$T/held"

still_held() {
	look | diff "$T/held" - ||
		die "$1 touched the lock"
	echo "$1: refused"
}

mkdir "$T/etc" "$T/etc/15" "$T/etc/15/k" "$T/run"
touch "$T/log"
echo auto >"$T/etc/15/k/start.conf"
{
	cat "$C/postgresql.conf"
	echo "data_directory = '$C'"
	echo "hba_file = '$C/pg_hba.conf'"
	echo "ident_file = '$C/pg_ident.conf'"
	echo "unix_socket_directories = '$T/run'"
} >"$T/etc/15/k/postgresql.conf"
ln -s "$T/log" "$T/etc/15/k/log"
[ "$(id -u)" -ne 0 ] ||
	chown -R "$PG_USER:" "$T/etc" "$T/log" "$T/run"
cluster() {
	PG_CLUSTER_CONF_ROOT="$T/etc" "$@"
}

expect_exit 1 pg_as "$PG_BIN/postgres" -D "$C" -k "$T/run"
still_held postgres
expect_exit 1 pg_as "$PG_BIN/postgres" --single -D "$C" postgres </dev/null
still_held 'postgres --single'
expect_exit 1 pg_as "$PG_BIN/pg_ctl" -D "$C" -o "-k $T/run" -l "$T/log" start
still_held pg_ctl
expect_exit 1 pg_as "$PG_BIN/pg_resetwal" "$C"
still_held pg_resetwal
if command -v pg_ctlcluster >/dev/null; then
	for who in '' pg_as; do
		expect_exit 1 cluster $who pg_ctlcluster \
			--skip-systemctl-redirect 15 k start
		grep -q 'Removed stale pid file' "$T/out" ||
			die 'not the pg_ctlcluster that this is about'
		still_held "${who:+$PG_USER: }pg_ctlcluster"
	done
fi

expect_exit 4 "$DARN" scan "$C"
grep -q 'was left by a repair' "$T/out" || die 'the scan does not say it'
! grep -q 'held-by-darn' "$T/out" || die 'the lock is reported as a file'

repair >"$T/out" 2>&1
[ $? -le 1 ] || die 'cannot repair'
[ ! -e "$C/postmaster.pid" ] || die 'the lock is still there'
cmp "$C/$table" "$data/clean/$table" || die 'not repaired'
if command -v pg_ctlcluster >/dev/null; then
	expect_exit 0 cluster pg_ctlcluster --skip-systemctl-redirect \
		15 k start
	expect_exit 0 cluster pg_ctlcluster --skip-systemctl-redirect \
		15 k stop
	echo 'pg_ctlcluster: started after the repair'
fi

# An undo that refuses leaves everything as it was, the repair's journal too.
printf rotten | dd of="$C/$table" bs=1 seek=9000 conv=notrunc status=none
cp "$C/$table" "$T/damaged"
expect_exit 1 repair
journal=$(sed -n 's/^journal: //p' "$T/out")
printf other | dd of="$C/$table" bs=1 seek=9000 conv=notrunc status=none
expect_exit 8 "$DARN" undo --yes "$journal"
[ ! -e "$C/postmaster.pid" ] || die 'an undo that refused keeps the lock'
cp "$data/clean/$table" "$C/$table"
expect_exit 0 repair
expect_exit 0 "$DARN" undo --yes "$journal"
cmp "$C/$table" "$T/damaged" || die 'not undone'
echo 'undo: refused, then done'

# While the repair lives nobody else may work there.
mkdir "$C/postmaster.pid"
echo "darn repair, process $$" >"$C/postmaster.pid/held-by-darn"
expect_exit 8 "$DARN" snapshot create --repo "$T/repo" "$C"
expect_exit 8 "$DARN" seal --manifest "$T/seal" "$C"
printf rotten | dd of="$C/$table" bs=1 seek=9000 conv=notrunc status=none
expect_exit 12 repair
grep -q "being repaired by process $$" "$T/out" || die 'another reason'
echo 'a repair that lives: no snapshot, no seal, no other repair'
