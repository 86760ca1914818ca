#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# layers.sh - the include rules of ARCHITECTURE.md, as a grep.
#
# Includes in quotes are repo-rooted, so that the line shows the room; those in
# angle brackets are the system's or a library's, and each library may be used
# only in the room that wraps it.
# -f: the patterns below are for case, not for files
set -uf
bad=0

complain() {
	echo "layers: $1 may not include \"$2\"" >&2
	bad=1
}

# may FILE INCLUDE: is INCLUDE in one of the places allowed for FILE's room?
may() {
	case "$1" in
	lib/base/*) allowed='lib/base/*' ;;
	lib/hash/*) allowed='lib/base/*|lib/hash/*' ;;
	lib/io/*) allowed='lib/base/*|lib/hash/*|lib/io/*' ;;
	lib/pool/*) allowed='lib/base/*|lib/pool/*' ;;
	lib/scan/*)
		allowed='lib/base/*|lib/hash/*|lib/io/*|lib/pool/*|lib/scan/*' ;;
	lib/state/*) allowed='lib/base/*|lib/hash/*|lib/state/*' ;;
	lib/seal/*)
		allowed='lib/base/*|lib/hash/*|lib/io/*|lib/pool/*|lib/scan/*|lib/state/*|lib/seal/*' ;;
	lib/snapshot/*) allowed='lib/*' ;;
	scanners/registry.c) allowed='lib/*|scanners/registry.*' ;;
	scanners/registry.h) allowed='lib/*' ;;
	scanners/*/*)
		room=${1#scanners/}
		allowed="lib/base/*|lib/hash/*|lib/io/*|lib/scan/*|scanners/${room%%/*}/*" ;;
	repair/*) allowed='lib/*|repair/*' ;;
	cmd/*) allowed='lib/*|cmd/*|scanners/registry.h|repair/repair.h' ;;
	tests/*) allowed='*' ;;
	*) allowed= ;;
	esac
	old_ifs=$IFS
	IFS='|'
	for pattern in $allowed; do
		# shellcheck disable=SC2254 # a pattern is meant
		case "$2" in
		$pattern)
			IFS=$old_ifs
			return 0 ;;
		esac
	done
	IFS=$old_ifs
	return 1
}

# A library's header and the only rooms that may see it.
library() {
	case "$1" in
	pthread.h) echo 'lib/*' ;;
	xxhash.h | xxh_x86dispatch.h | isa-l.h | isa-l/* | crc.h | crc64.h)
		echo 'lib/hash/*' ;;
	zstd.h) echo 'lib/snapshot/*' ;;
	sqlite3.h) echo 'lib/snapshot/*|lib/state/*' ;;
	jansson.h) echo 'repair/*|lib/snapshot/*|lib/seal/*' ;;
	*) echo '*' ;;
	esac
}

# shellcheck disable=SC2013 # words are meant
for file in $(git ls-files -co --exclude-standard '*.c' '*.h' '*.def'); do
	[ -e "$file" ] || continue
	for header in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file"); do
		may "$file" "$header" || complain "$file" "$header"
		[ -e "$header" ] || complain "$file" "$header (no such file)"
	done
	# -V asks each library for its version
	case "$file" in tests/* | cmd/version.c) continue ;; esac
	for header in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*<\([^>]*\)>.*/\1/p' "$file"); do
		ok=
		old_ifs=$IFS
		IFS='|'
		for pattern in $(library "$header"); do
			# shellcheck disable=SC2254 # a pattern is meant
			case "$file" in $pattern) ok=yes ;; esac
		done
		IFS=$old_ifs
		[ -n "$ok" ] || complain "$file" "$header"
	done
done

# Only cmd prints; only lib/pool makes threads; only the writer writes stores.
forbid() {
	what=$1 pattern=$2
	shift 2
	hits=$(git grep -nE "$pattern" -- "$@")
	[ -z "$hits" ] || {
		echo "layers: $what:" >&2
		echo "$hits" >&2
		bad=1
	}
}
forbid 'only cmd prints' '\b(printf|puts|putchar|perror|vprintf)\(|\b(stdout|stderr)\b' \
	'lib/*.[ch]' 'scanners/*.[ch]' 'repair/*.[ch]'
forbid 'no exit outside cmd' '\b(exit|abort|_exit)\(' \
	'lib/*.[ch]' 'scanners/*.[ch]' 'repair/*.[ch]'
forbid 'only lib/pool makes threads' '\bpthread_create\(' 'cmd/*.[ch]' \
	'lib/*.[ch]' 'scanners/*.[ch]' 'repair/*.[ch]' ':!lib/pool/*'
forbid 'a scanner opens nothing' '\b(open|openat|fopen|opendir|pread|read|stat|lstat|mmap)\(' \
	'scanners/*.[ch]'
forbid 'no mmap' '\bmmap\(' 'cmd/*.[ch]' 'lib/*.[ch]' 'repair/*.[ch]'
forbid 'no packed structs' '\((__)?packed(__)?\)|pragma pack' 'cmd/*.[ch]' 'lib/*.[ch]' \
	'repair/*.[ch]' 'scanners/*.[ch]'
forbid 'no open work' '\b(TODO|FIXME|XXX|HACK)\b' '*.c' '*.h' '*.sh' Makefile ':!tests/lint/layers.sh'

[ "$bad" -eq 0 ] && echo "layers: ok"
exit "$bad"
