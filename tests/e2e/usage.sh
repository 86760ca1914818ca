#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage.sh - what the program says to mistakes, and what -h and -V say.
. tests/e2e/lib.sh

usage_error "a command is missing"
usage_error "unknown command 'scna'" scna /
usage_error "unknown option '--frobnicate'" --frobnicate
usage_error "scan: an operand is missing: PATH" scan
usage_error "scan: an operand is the empty string" scan ''
usage_error "unknown option '--frobnicate'" scan --frobnicate "$T"
usage_error "unknown option '-x'" scan -qx "$T"
usage_error "'--manifest' needs an argument: FILE" scan "$T" --manifest
usage_error "'--jobs': '-1' is not a number" scan -j -1 "$T"
usage_error "'--jobs': '4x' is not a number" scan -j4x "$T"
usage_error "'--io-depth': 'many' is not a number" scan --io-depth=many "$T"
usage_error "'--progress': 'loud' is not one of" scan --progress=loud "$T"
usage_error "'--json' takes no argument" scan --json=yes "$T"
usage_error "unknown store 'dbase'" formats dbase
usage_error "unknown command 'scna'" help scna

exits 0 -h
says '^  scan  *finds damage'
exits 0 help
exits 0 -V
says '^darn [0-9]+\.[0-9]+\.[0-9]+$'
says '^libraries: .*xxhash [0-9].*zstd [0-9].*isa-l [0-9].*jansson [0-9].*sqlite [0-9]'
says '^hash code: .*xxh3 [a-z0-9]+'
says '^stores: .*postgresql'

# Every command has a synopsis, none wider than a terminal, and "help X" is
# "X -h"; -h wins over what is missing.
for command in $("$DARN" help --list-commands); do
	for sub in $("$DARN" help --list-commands "$command"); do
		exits 0 "$command" "$sub" -h
		says "^darn $command $sub( |\$)"
		usage_error "unknown option" "$command" "$sub" --frobnicate
	done
	exits 0 "$command" -h
	says "^darn $command( |\$)"
	[ "$(wc -L <"$T/out")" -lt 80 ] || fail "$command -h is too wide"
	cp "$T/out" "$T/help"
	exits 0 help "$command"
	cmp -s "$T/out" "$T/help" || fail "help $command is not $command -h"
	usage_error "unknown" "$command" --frobnicate
done

exits 0 formats
says '^postgresql: '
exits 0 help --list-ids
check "ids are store/format-problem" sh -c \
	"! grep -vE '^[a-z0-9]+/[a-z0-9]+(-[a-z0-9]+)*\$' '$T/out'"
sort "$T/out" >"$T/ids"
check "ids are different" sh -c "! sort '$T/out' | uniq -d | grep ."
exits 0 formats --json
grep -oE '"id":"[^"]*"' "$T/out" | cut -d'"' -f4 | sort >"$T/json-ids"
check "formats --json names the same ids" cmp "$T/ids" "$T/json-ids"
