#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh PROGRAM - mends a damaged database before your eyes: "make demo".
#
# A real SQLite database of some 64 MB is sealed, snapshotted, damaged as a
# power cut does it, scanned, repaired, put back into its damaged state and
# repaired again.  SQLite itself says before and after whether it is whole,
# and a digest of everything in it says whether it is the same.  Each step's
# exit status is checked: anything not proven ends the demo with exit 1.
# Everything is deterministic and lies in a directory of its own.
set -eu
umask 077

DARN=$(realpath "${1:?usage: demo.sh PROGRAM}")
command -v sqlite3 >/dev/null || { echo "demo: no sqlite3" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/darn-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"
export DARN_STATE_DIR="$work/state"
db=shop/orders.db
page=4096

fail() {
	echo "demo: $*" >&2
	[ ! -s out ] || sed 's/^/demo: | /' out >&2
	exit 1
}

# expect STATUS ARGUMENT... - runs darn, shows the command, keeps what it says
expect() {
	want=$1
	shift
	got=0
	"$DARN" "$@" >out 2>err || got=$?
	[ "$got" -eq "$want" ] || {
		sed 's/^/demo: ! /' err >&2
		fail "darn $* gave exit $got, not $want"
	}
	printf '$ darn %s   [exit %d]\n' "$(echo "$*" |
		sed "s|[^ ]*[.]journal|JOURNAL|")" "$got"
}

# show PATTERN - those lines of what it said, no wider than a terminal
show() {
	grep -E "$1" out | sed "s|$work/||g" | fold -s -w 76 | sed 's/^/   /'
}

digest() {
	# a damaged database ends in an error: that is what the digest shows
	sqlite3 "$1" .dump 2>/dev/null | sha256sum | cut -c1-32
}

integrity() {
	sqlite3 "$1" 'pragma integrity_check' 2>&1 | head -n 1 | cut -c1-66
}

make_database() {
	mkdir shop
	sqlite3 "$db" <<-SQL >/dev/null
	pragma page_size = $page;
	pragma journal_mode = delete;
	create table customers (id integer primary key, name text);
	create table orders (id integer primary key, customer int, cents int,
	                     note text);
	begin;
	insert into customers
	  with n(i) as (select 1 union all select i + 1 from n where i < 9000)
	  select i, printf('customer %05d', i) from n;
	insert into orders
	  with n(i) as (select 1 union all select i + 1 from n where i < 270000)
	  select i, i * 7919 % 9000 + 1, i * 104729 % 100000,
	         printf('%0200d', i * 2654435761 % 1000000007) from n;
	create index orders_customer on orders (customer);
	commit;
	SQL
	# The last order came in hours ago.
	touch -d '2026-01-01 00:00:00.123456789Z' "$db"
}

# put OFFSET < BYTES
put() {
	dd of="$db" bs=1 seek="$1" conv=notrunc status=none
}

# The marks of a pulled plug, at places that do not depend on chance.
damage() {
	touch -r "$db" stamp
	# three sectors of a page hold what belongs elsewhere
	dd if="$db" of=sectors bs=512 skip=40000 count=3 status=none
	put $((5000 * page + 1024)) <sectors
	# a page of zeros
	head -c $page /dev/zero | put $((9000 * page))
	# one flipped bit
	byte=$(od -An -tu1 -j $((12345 * page + 678)) -N 1 "$db")
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf '%03o' $((byte ^ 16)))" | put $((12345 * page + 678))
	# a tail that never reached the disk
	truncate -s -10000 "$db"
	touch -r stamp "$db"
	cp -p "$db" damaged.db
}

echo "1. A shop's orders in a SQLite database, at rest; a seal; a backup."
make_database
cp -p "$db" pristine.db
before=$(digest "$db")
[ "$(integrity "$db")" = ok ] || fail "the new database is not whole"
echo "   $(stat -c %s "$db") bytes, $(sqlite3 "$db" \
	'select count(*) from orders') orders; SQLite's integrity check: ok"
echo "   digest of every row: $before"
expect 0 seal shop
expect 0 snapshot create --repo backup shop

echo "2. The power fails: torn sectors, a page of zeros, a flipped bit, a tail"
echo "   cut off; the file's modification time looks as it always did."
damage
[ "$(digest "$db")" != "$before" ] || fail "the damage shows nowhere"
echo "   SQLite: $(integrity "$db")"

echo "3. SQLite's format has no checksums; the seal knows every block."
expect 4 scan shop
show '^shop/|^DAMAGED'

echo "4. The plan: what would be written, from where, and why that is right."
echo "   (The file has another size than when sealed, so somebody has to vouch"
echo "   that nobody wrote to it: --unchanged-since-seal.)"
expect 4 repair --dry-run shop --from backup --unchanged-since-seal
show '^shop/' | head -n 2
echo "   ... and $(($(grep -c '^shop/' out) - 1)) more"
show '^plan'
cmp -s "$db" damaged.db || fail "a dry run wrote"

echo "5. Repair, and a deep scan of everything."
expect 1 repair --yes --json shop --from backup --unchanged-since-seal
journal=$(sed -n 's/.*"type":"journal".*"journal":"\([^"]*\)".*/\1/p' out)
[ -n "$journal" ] || fail "no journal in the repair's report"
expect 0 scan --direct shop
show '^CLEAN|^NO DAMAGE'
cmp -s "$db" pristine.db || fail "the repaired file is not the old one"

echo "6. Every repair can be undone, and done again."
expect 0 undo --yes "$journal"
cmp -s "$db" damaged.db || fail "undo did not put everything back"
expect 1 repair --yes shop --from backup --unchanged-since-seal
expect 0 scan shop

after=$(digest "$db")
check=$(integrity "$db")
echo "   SQLite's integrity check: $check"
echo "   digest of every row: before $before"
echo "                        after  $after"
[ "$check" = ok ] || fail "SQLite finds damage after the repair"
[ "$before" = "$after" ] || fail "not every row came back"
cmp -s "$db" pristine.db || fail "the repaired file is not the old one"
echo "Nothing was lost."
