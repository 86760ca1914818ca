#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# completion.sh - what bash offers after the tab key.
. tests/e2e/lib.sh
requires bash
framework=/usr/share/bash-completion/bash_completion
[ -e "$framework" ] || { echo "skipped: no bash-completion"; exit 77; }

# offers WORD WORDS... - completing the last of WORDS offers WORD
complete_words() {
	PATH="$(dirname "$DARN"):$PATH" bash -c '
		framework=$1 script=$2
		shift 2
		. "$framework"
		. "$script"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		compopt() { :; }
		_darn
		printf "%s\n" "${COMPREPLY[@]}"' bash "$framework" \
		cmd/darn.bash-completion "$@" >"$T/out" 2>"$T/err"
}
offers() {
	want=$1
	shift
	complete_words "$@"
	[ ! -s "$T/err" ] || fail "the completion complains"
	grep -qxF -- "$want" "$T/out" || fail "$want is not offered after: $*"
	echo "ok: '$*' offers $want"
}
offers_not() {
	unwanted=$1
	shift
	complete_words "$@"
	! grep -qxF -- "$unwanted" "$T/out" || fail "$unwanted offered: $*"
	echo "ok: '$*' does not offer $unwanted"
}

: >"$T/a-file"
mkdir "$T/a-dir"
for command in $("$DARN" help --list-commands); do
	offers "$command" "$DARN" ''
done
offers scan "$DARN" sc
offers_not formats "$DARN" sc
offers --version "$DARN" --v
offers --json "$DARN" scan --j
offers --manifest= "$DARN" scan --m
offers_not --manifest= "$DARN" formats --m
offers json "$DARN" scan --progress ''
offers json "$DARN" scan --progress=j
offers postgresql/page "$DARN" scan --format postgresql/p
offers "$T/a-file" "$DARN" scan --manifest "$T/a-"
offers "$T/a-file" "$DARN" scan "$T/a-"
offers "$T/a-dir" "$DARN" scan -q "$T/a-"
offers create "$DARN" snapshot cr
offers --repo= "$DARN" snapshot list --r
offers "$T/a-dir" "$DARN" snapshot list --repo "$T/a-"
offers_not "$T/a-file" "$DARN" snapshot list --repo "$T/a-"
offers "$T/a-file" "$DARN" repair --from "$T/a-"
offers postgresql "$DARN" formats post
offers scan "$DARN" help sc
offers --list-ids "$DARN" help --list-i
