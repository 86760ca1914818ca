# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# pg.sh - a real PostgreSQL server for tests.  To be sourced.
#
# Root cannot run the server, so root runs it as the user "postgres", in a
# directory of its own outside the home directories; anyone else runs it as
# himself.  Each server listens on a socket in its own directory only, and is
# stopped through the pid file of its own data directory.

PG_BIN=${PG_BIN:-/usr/lib/postgresql/15/bin}
PG_USER=postgres
PG_PORT=54329

# Succeeds where a server can be run here at all.
pg_available() {
	[ -x "$PG_BIN/postgres" ] || return 1
	[ "$(id -u)" -ne 0 ] || id "$PG_USER" >/dev/null 2>&1
}

# pg_as COMMAND...: as the user that the server runs as
pg_as() {
	if [ "$(id -u)" -eq 0 ]; then
		(cd / && exec runuser -u "$PG_USER" -- "$@")
	else
		"$@"
	fi
}

# pg_workdir: makes and prints a directory that the server's user owns
pg_workdir() {
	pg_dir=$(mktemp -d "${TMPDIR:-/tmp}/darn-pg.XXXXXX") || return 1
	if [ "$(id -u)" -eq 0 ]; then
		chown "$PG_USER:" "$pg_dir"
	fi
	echo "$pg_dir"
}

# pg_init DATADIR [INITDB-OPTION...]
pg_init() {
	pg_data=$1
	shift
	pg_as "$PG_BIN/initdb" -D "$pg_data" -U postgres -A trust -E UTF8 \
		--locale=C.UTF-8 --no-sync "$@" >/dev/null
	cat >>"$pg_data/postgresql.conf" <<-EOF
	listen_addresses = ''
	port = $PG_PORT
	autovacuum = off
	fsync = off
	max_wal_senders = 4
	min_wal_size = 32MB
	shared_buffers = 32MB
	EOF
}

# pg_start DATADIR: the socket and the log lie beside it
pg_start() {
	pg_as mkdir -p "$1.run" &&
		pg_as "$PG_BIN/pg_ctl" -D "$1" -w -s -l "$1.run/log" \
			-o "-k $1.run" start
}

# pg_stop DATADIR [MODE]
pg_stop() {
	[ ! -f "$1/postmaster.pid" ] ||
		pg_as "$PG_BIN/pg_ctl" -D "$1" -m "${2:-fast}" -w -s stop
}

# pg_kill DATADIR: what a power cut leaves: no process says goodbye
pg_kill() {
	pg_pid=$(head -n 1 "$1/postmaster.pid")
	pg_children=$(cat "/proc/$pg_pid/task/$pg_pid/children")
	for pg_i in $pg_pid $pg_children; do
		kill -9 "$pg_i" 2>/dev/null || :
	done
	for pg_i in $pg_pid $pg_children; do
		while kill -0 "$pg_i" 2>/dev/null; do
			sleep 0.05
		done
	done
}

# pg_query DATADIR DATABASE [PSQL-OPTION...]: SQL on standard input or by -c
pg_query() {
	pg_run=$1.run
	pg_db=$2
	shift 2
	pg_as "$PG_BIN/psql" -h "$pg_run" -p $PG_PORT -U postgres -X -q -At \
		-v ON_ERROR_STOP=1 -d "$pg_db" "$@"
}

# pg_copy FROM TO: a stopped cluster with its tablespace, which lies in FROM.ts
pg_copy() {
	cp -a "$1" "$2"
	if [ -d "$1.ts" ]; then
		cp -a "$1.ts" "$2.ts"
		pg_relink "$2"
	fi
	if [ "$(id -u)" -eq 0 ]; then
		chown -R "$PG_USER:" "$2"
		[ ! -d "$2.ts" ] || chown -R "$PG_USER:" "$2.ts"
	fi
}

# pg_relink DATADIR: its tablespace is the one beside it, wherever that is
pg_relink() {
	for pg_link in "$1"/pg_tblspc/*; do
		[ ! -L "$pg_link" ] ||
			ln -sfn "../../$(basename "$1").ts" "$pg_link"
	done
}

# pg_digest DATADIR: one line for each table and sequence of every database.
# Adding up hashes of rows needs no sort and reads every byte, TOAST included.
# Unlogged tables are left out: a crash empties them.
pg_digest() {
	for pg_each in $(pg_query "$1" postgres -c "select datname
			from pg_database where datallowconn order by 1"); do
		pg_query "$1" "$pg_each" <<-'EOF'
		set enable_indexscan = off; set enable_bitmapscan = off;
		select format('select %L, count(*), sum(hashtextextended(t::text, 0)::numeric) from %s t',
		              current_database() || '.' || oid::regclass, oid::regclass)
		  from pg_class
		 where relkind = 'r' and relpersistence = 'p'
		   and relnamespace = 'public'::regnamespace
		 order by relname \gexec
		select format('select %L, last_value from %s',
		              current_database() || '.' || oid::regclass, oid::regclass)
		  from pg_class
		 where relkind = 'S' and relpersistence = 'p'
		   and relnamespace = 'public'::regnamespace
		 order by relname \gexec
		EOF
	done
}
