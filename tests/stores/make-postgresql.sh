#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-postgresql.sh OUTDIR - real PostgreSQL 15 clusters to scan and repair:
#
#   clean    stopped in good order; the newest state of all
#   base     pg_basebackup of it, taken before the later writes
#   crashed  killed with committed rows in its WAL only
#   nosums   another cluster, without page checksums
#   archive  every finished WAL segment of clean since before base
#   X.ts     the tablespace of X; X/pg_tblspc/* points at it
#   EXPECT, EXPECT.base, EXPECT.crashed   pg_digest of each, once running
#   RELATIONS   name, kind, access method, path and blocks in clean
#
# Segments of WAL are 1 MiB in all but nosums, so that little data crosses many
# borders.  OUTDIR must not exist.
set -eu
umask 022
out=${1:?usage: make-postgresql.sh OUTDIR}
# shellcheck source=tests/stores/pg.sh
. "$(dirname "$0")/pg.sh"

pg_available || { echo "make-postgresql.sh: no PostgreSQL 15" >&2; exit 77; }
[ ! -e "$out" ] || { echo "make-postgresql.sh: '$out' exists" >&2; exit 1; }

work=$(pg_workdir)
cleanup() {
	for c in clean nosums base crashed; do
		pg_stop "$work/$c" immediate || :
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

make_tables() {
	pg_query "$work/clean" postgres -c 'create database shop' \
		-c "create tablespace side location '$work/clean.ts'"
	pg_query "$work/clean" shop <<-'EOF'
	create table orders (id bigint primary key, customer int, note text,
	                     at timestamptz, tags int[]);
	insert into orders
	  select g, g % 997, 'note ' || md5(g::text),
	         timestamptz '2024-01-01 00:00Z' + g * interval '1 s',
	         array[g % 17, g % 31]
	    from generate_series(1, 40000) g;
	create index orders_customer on orders (customer);
	create index orders_tags on orders using gin (tags);
	create index orders_at on orders using brin (at) with (pages_per_range = 8);

	-- a hash index that grew after it was made has zeroed pages inside
	create table tokens (id int, token text);
	create index tokens_hash on tokens using hash (token);
	insert into tokens select g, md5(g::text) from generate_series(1, 60000) g;

	create table papers (id int primary key, body text);
	alter table papers alter body set storage external;
	insert into papers
	  select g, (select string_agg(md5((g * 1000 + i)::text), '')
	               from generate_series(1, 300) i)
	    from generate_series(1, 150) g;

	create table points (id int, p point);
	insert into points
	  select g, point(g % 100, g % 77) from generate_series(1, 5000) g;
	create index points_gist on points using gist (p);
	create index points_spgist on points using spgist (p);

	create unlogged table scratch (id int primary key, v text);
	insert into scratch select g, md5(g::text) from generate_series(1, 3000) g;
	create sequence tickets;
	select setval('tickets', 4711);
	create table empty (id int primary key);
	create table parted (id int, v text) partition by range (id);
	create table parted_1 partition of parted for values from (0) to (1000);
	insert into parted select g, 'p' from generate_series(1, 500) g;
	create table apart (id int primary key, v text) tablespace side;
	insert into apart
	  select g, repeat(md5(g::text), 4) from generate_series(1, 4000) g;
	vacuum (analyze);
	checkpoint;
	EOF
}

later_writes() {
	pg_query "$work/clean" shop <<-'EOF'
	update orders set note = note || ' v2', customer = customer + 1
	 where id % 10 = 0 and id < 8000;
	insert into orders
	  select g, g % 997, 'late ' || md5(g::text),
	         timestamptz '2024-01-01 00:00Z' + g * interval '1 s',
	         array[g % 17]
	    from generate_series(40001, 42000) g;
	delete from papers where id % 7 = 0 and id < 50;
	select nextval('tickets');
	update apart set v = v || 'x' where id % 3 = 0 and id < 400;
	create table fresh as select g as id from generate_series(1, 1000) g;
	create table gone as select g as id from generate_series(1, 1000) g;
	drop table gone;
	vacuum;
	checkpoint;
	EOF
}

# Pages that the last checkpoint knows and the WAL changes afterwards.
writes_before_crash() {
	pg_query "$work/clean" shop <<-'EOF'
	checkpoint;
	update orders set note = note || ' crash'
	 where id % 50 = 1 and id between 20000 and 24000;
	insert into apart select g, 'late' from generate_series(1000000, 1000500) g;
	create table unseen as select g as id from generate_series(1, 2000) g;
	EOF
}

pg_init "$work/clean" -k --wal-segsize=1
pg_as mkdir -m 700 "$work/clean.ts" "$work/archive"
cat >>"$work/clean/postgresql.conf" <<EOF
archive_mode = on
archive_command = 'cp %p $work/archive/%f'
max_wal_size = 256MB
EOF
pg_start "$work/clean"
make_tables >/dev/null
pg_digest "$work/clean" >"$work/EXPECT.base"
pg_as "$PG_BIN/pg_basebackup" -h "$work/clean.run" -p "$PG_PORT" -U postgres \
	-D "$work/base" -X stream -c fast --no-sync \
	-T "$work/clean.ts=$work/base.ts"
later_writes
writes_before_crash
pg_digest "$work/clean" >"$work/EXPECT.crashed"
pg_kill "$work/clean"
cp -a "$work/clean" "$work/crashed"
cp -a "$work/clean.ts" "$work/crashed.ts"
# It names a process that is gone, or by now is another one.
rm "$work/crashed/postmaster.pid"

pg_start "$work/clean" 2>/dev/null # it warns of the pid file
pg_query "$work/clean" shop -c 'vacuum' -c 'checkpoint'
pg_digest "$work/clean" >"$work/EXPECT"
pg_query "$work/clean" shop -F ' ' -c "select relname, relkind,
	coalesce(amname, '-'), pg_relation_filepath(c.oid),
	pg_relation_size(c.oid) / 8192
	from pg_class c left join pg_am a on a.oid = relam
	where pg_relation_filepath(c.oid) is not null
	order by 1, 4" >"$work/RELATIONS"
pg_stop "$work/clean"

pg_init "$work/nosums"
pg_start "$work/nosums"
pg_query "$work/nosums" postgres -c 'create table t as
	select g as id, md5(g::text) as v from generate_series(1, 3000) g' \
	-c 'create index t_id on t (id)' -c 'vacuum' -c 'checkpoint'
pg_stop "$work/nosums"

for c in clean base crashed; do
	pg_relink "$work/$c"
done
# From here on nothing archives into a directory that is gone.
for c in clean base crashed; do
	sed -i '/^archive_/d' "$work/$c/postgresql.conf"
done
rm -rf "$work"/*.run
mkdir -p "$(dirname "$out")"
cp -a "$work" "$out"
