#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Damage in a tablespace alone, which lies outside the data directory: it is
# repaired under the cluster's rules and undone, never behind a server's back,
# and a source whose link leads to the same tablespace is none.
. tests/stores/lib.sh
. tests/stores/pg.sh
data=$(dataset postgresql) || exit 1
C=$T/cluster
S=$T/source
cleanup() {
	pg_stop "$C" immediate 2>/dev/null
	rm -rf "$T"
}

pg_copy "$data/clean" "$C"
pg_copy "$data/clean" "$S"
file=$(awk '$1 == "apart" { print $4 }' "$data/RELATIONS")
cp -a "$C/$file" "$T/want"
printf '\252\125\252' |
	dd of="$C/$file" bs=1 seek=12000 conv=notrunc status=none
cp -a "$C/$file" "$T/damaged"

expect_exit 1 "$DARN" repair --yes "$C" --from "$S"
journal=$(sed -n 's/^journal: //p' "$T/out")
cmp "$C/$file" "$T/want" || die "not repaired"
pg_start "$C" || die "the server does not run"
expect_exit 8 "$DARN" undo --yes "$journal"
cmp "$C/$file" "$T/want" || die "undone behind the server's back"
pg_stop "$C"
expect_exit 0 "$DARN" undo --yes "$journal"
cmp "$C/$file" "$T/damaged" || die "not put back"
echo "a tablespace: repaired, not undone under a server, undone"

ln -sfn "$C.ts" "$S/pg_tblspc/$(basename "$S"/pg_tblspc/*)"
expect_exit 16 "$DARN" repair --yes "$C" --from "$S"
cmp "$C/$file" "$T/damaged" || die "written from itself"
echo "a source with the same tablespace: refused"
