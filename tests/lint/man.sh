#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# man.sh - the manual: every page is clean mdoc; every command, store and
# format that darn writes has one; each synopsis is what -h prints; pages
# refer to pages that exist.
set -u
DARN=${DARN:-./darn}
bad=0

complain() {
	echo "man: $*" >&2
	bad=1
}

# Whether other manuals are installed is this machine's business; references
# among ours are looked at below.
mandoc -T lint -W style man/*.[1-9] 2>/dev/null |
	grep -v 'referenced manual not found' >&2 && bad=1

# names MACRO FILE - the arguments of an X-macro list
names() {
	sed -n "s/^$1(\([a-z_]*\)).*/\1/p" "$2"
}
commands=$(names DARN_COMMAND cmd/commands.def)

for page in darn.1 darn-report.5 darn-seal.5 darn-repo.5 darn-journal.5 \
	darn-plan.5 darn-findings.7 \
	$(names DARN_STORE scanners/registry.def | sed 's/.*/darn-&.5/') \
	$(echo "$commands" | grep -v '^help$' | sed 's/.*/darn-&.1/'); do
	[ -e "man/$page" ] || complain "there is no man/$page"
done

for page in man/*.[1-9]; do
	sed -n 's/^\.Xr \(darn[a-z-]*\) \([1-9]\).*/\1.\2/p' "$page" |
		while read -r other; do
			[ -e "man/$other" ] ||
				echo "man: $page refers to $other" >&2
		done
done 2>&1 | grep . >&2 && bad=1

# One form a line, single spaces.  A form begins with "darn".
forms() {
	tr -s ' \t\n' ' ' | sed 's/ darn /\ndarn /g; s/^ *//; s/ *$//' |
		sed 's/ *$//' | grep .
}

manual_synopsis() {
	mandoc -T ascii -O width=500 "$1" | sed 's/.\x08//g' |
		sed -n '/^SYNOPSIS/,/^[A-RT-Z]/{/^ /p}' | forms
}

help_synopsis() {
	"$DARN" "$@" -h | sed -n '1,/^$/p' |
		sed 's/^usage: */ /; s/^ *or: */ /' | forms
}

for command in $commands; do
	[ -e "man/darn-$command.1" ] || continue
	manual=$(manual_synopsis "man/darn-$command.1")
	# shellcheck disable=SC2086 # a command may be two words
	help=$(help_synopsis $command)
	[ "$manual" = "$help" ] || {
		complain "darn-$command.1 and 'darn $command -h' differ:"
		echo "  manual: $manual" >&2
		echo "  help:   $help" >&2
	}
done

# Every field that the program writes is in darn-report(5).
grep -ohE 'darn_json_[a-qs-z][a-z0-9]*\([^"()]*"[a-z_0-9]+"' cmd/*.c |
	cut -d'"' -f2 | sort -u | while read -r field; do
	grep -qE "^\.(It|Ss|Cm)( .*)? $field( |\$)" \
		man/darn-report.5 || echo "man: darn-report.5 says nothing of '$field'"
done | grep . >&2 && bad=1

[ "$bad" -eq 0 ] && echo "man: ok"
exit "$bad"
