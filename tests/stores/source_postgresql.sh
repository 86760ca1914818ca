#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Sources that look like proofs and are none: a page of zeros in a backup, an
# unlogged table whose init fork is lost, and a clone that stopped at an equal
# checkpoint after other work.  Nothing of them is written.
. tests/stores/lib.sh
. tests/stores/pg.sh
data=$(dataset postgresql) || exit 1
C=$T/cluster
S=$T/source
cleanup() {
	pg_stop "$C" immediate 2>/dev/null
	pg_stop "$S" immediate 2>/dev/null
	rm -rf "$T"
}

copy() {
	rm -rf "$2" "$2.ts" "$2.run"
	pg_copy "$1" "$2"
}

path_of() {
	awk -v name="$1" '$1 == name { print $4; exit }' "$data/RELATIONS"
}

# hit FILE BLOCK: damages that page
hit() {
	printf '\252\125\252' |
		dd of="$1" bs=1 seek=$(($2 * 8192 + 4000)) conv=notrunc status=none
}

refused() {
	cp -a "$C/$1" "$T/before"
	expect_exit 4 "$DARN" repair --yes "$C" --from "$S"
	cmp "$C/$1" "$T/before" || die "$2: something was written"
	echo "$2: refused"
}

# 1. The log does not change the page, the backup has lost it.
orders=$(path_of orders)
copy "$data/clean" "$C"
cp -n "$data"/archive/0000* "$C/pg_wal/"
chown -R --reference="$C" "$C"
copy "$data/base" "$S"
hit "$C/$orders" 400
expect_exit 4 "$DARN" repair --dry-run "$C" --from "$S"
grep -q ' exact restore-extent' "$T/out" || die "the page is not proven"
dd if=/dev/zero of="$S/$orders" bs=8192 seek=400 count=1 conv=notrunc \
	status=none
refused "$orders" "a page of zeros in the backup"

# 2. So after a stop at the same moment.
copy "$data/clean" "$C"
copy "$data/clean" "$S"
hit "$C/$orders" 400
dd if=/dev/zero of="$S/$orders" bs=8192 seek=400 count=1 conv=notrunc \
	status=none
refused "$orders" "a page of zeros of the same moment"

# 3. Nothing that happens to an unlogged table is in the log.
copy "$data/clean" "$C"
echo "wal_keep_size = 300MB" >>"$C/postgresql.conf"
pg_start "$C" || die "the server does not run"
scratch=$(pg_query "$C" shop -c "select pg_relation_filepath('scratch')")
pg_query "$C" shop -c "insert into scratch
	select g, md5(g::text) from generate_series(1, 3000) g" -c 'checkpoint'
pg_stop "$C"
copy "$C" "$S"
pg_start "$C" || die "the server does not run"
pg_query "$C" shop -c "update scratch set v = 'newer' where id < 50" \
	-c 'create table other as select 1 as id'
pg_stop "$C"
hit "$C/$scratch" 0
rm "$C/${scratch}_init"
refused "$scratch" "an unlogged table whose init fork is lost"

# 4. Two clones: as much work, in the same second.
work() {
	pg_query "$1" shop -c "update orders set note = '$2' where id = 20000" \
		-c "select (ctid::text::point)[0]::int from orders
		    where id = 20000"
}
for try in 1 2 3 4 5; do
	copy "$data/clean" "$C"
	copy "$data/clean" "$S"
	pg_start "$C" && pg_start "$S" || die "a server does not run"
	block=$(work "$C" A) && work "$S" B >/dev/null || die "no work is done"
	pg_stop "$C" &
	pg_stop "$S"
	wait
	cmp -s "$C/global/pg_control" "$S/global/pg_control" && break
done
cmp -s "$C/global/pg_control" "$S/global/pg_control" ||
	echo "the machine is too busy to stop two servers in one second"
hit "$C/$orders" "$block"
refused "$orders" "a clone of other work (try $try)"

# 5. A page that the backup read half written, and no checksum to tell.
copy "$data/nosums" "$C"
echo "wal_keep_size = 300MB" >>"$C/postgresql.conf"
pg_start "$C" || die "the server does not run"
rm -rf "$S"
pg_as "$PG_BIN/pg_basebackup" -h "$C.run" -p "$PG_PORT" -U postgres \
	-D "$S" -X stream -c fast --no-sync || die "no backup is made"
pg_query "$C" postgres -c "update t set v = 'newer' where id < 10"
table=$(pg_query "$C" postgres -c "select pg_relation_filepath('t')")
pg_stop "$C"
dd if="$C/$table" of="$S/$table" bs=4096 count=1 conv=notrunc status=none
printf '\377\377' | dd of="$C/$table" bs=1 seek=12 conv=notrunc status=none
refused "$table" "a page that the backup read half written"
