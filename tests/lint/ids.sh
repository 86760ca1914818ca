#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# ids.sh - finding ids are for ever: each that the program knows is listed in
# tests/lint/finding-ids.txt and explained in darn-findings(7), that page
# explains no other and gives it the same severity, and no line ever left the
# list.
set -u
list=tests/lint/finding-ids.txt
page=man/darn-findings.7
bad=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${DARN:-./darn}" formats --json |
	grep -oE '"id":"[^"]*","severity":"[^"]*"' |
	cut -d'"' -f4,8 --output-delimiter=' ' | sort -u >"$work/severities"
cut -d' ' -f1 "$work/severities" >"$work/program"
grep -v '^#' "$list" | sort -u >"$work/listed"
sed -n 's/^\.It Sy \([a-z0-9]*\/[a-z0-9-]*\)$/\1/p' "$page" |
	sort >"$work/page"

# report TEXT FILE - each line of FILE is one mistake
report() {
	[ ! -s "$2" ] || {
		sed "s|^|ids: |; s|\$|: $1|" "$2" >&2
		bad=1
	}
}

[ -s "$work/program" ] || {
	echo "ids: 'darn formats --json' names no finding" >&2
	exit 1
}
grep -vE '^[a-z0-9]+/[a-z0-9]+(-[a-z0-9]+)*$' "$work/program" >"$work/odd"
report "is not of the form store/format-problem" "$work/odd"
comm -23 "$work/program" "$work/listed" >"$work/new"
report "append it to $list" "$work/new"
comm -23 "$work/program" "$work/page" >"$work/unexplained"
report "is not explained in $page" "$work/unexplained"
comm -13 "$work/program" "$work/page" >"$work/stale"
report "is explained in $page, but the program does not know it" "$work/stale"
# Several ids may share one text, which begins with their severity.
sed -n 's/^\.It Sy \([a-z0-9]*\/[a-z0-9-]*\)$/id \1/p
	s/^\.Em \([a-z]*\) :$/severity \1/p' "$page" |
	awk '$1 == "id" { id[++n] = $2 }
	$1 == "severity" { for (; n; n--) print id[n], $2 }' |
	sort >"$work/paged"
join "$work/severities" "$work/paged" | awk '$2 != $3 { print $1 }' >"$work/other"
report "has another severity in $page" "$work/other"
uniq -d "$work/page" >"$work/twice"
report "is explained twice in $page" "$work/twice"

{
	git log -p --format= -- "$list"
	git diff HEAD -- "$list"
} 2>/dev/null | sed -n 's/^-\([a-z0-9].*\)/\1/p' | sort -u |
	comm -23 - "$work/listed" >"$work/gone"
report "left $list" "$work/gone"

[ "$bad" -eq 0 ] && echo "ids: ok ($(wc -l <"$work/program"))"
exit "$bad"
