#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# words.sh - nothing in the tree points at somebody's machine.
#
# A path under a developer's own folders works for nobody else, and a URL is
# either documentation that outlives us or a mistake: each host is named here.
set -u
bad=0

hits=$(git grep -nIE '(^|[^a-zA-Z0-9_.-])/(work|tmp/hq|home/[a-z]+)/|[.][.]/[s]hared' \
	-- . ':!tests/lint/words.sh')
[ -z "$hits" ] || {
	echo "words: a path of one machine:" >&2
	echo "$hits" >&2
	bad=1
}

hits=$(git grep -nIE 'https?://' -- . ':!LICENSE' ':!tests/lint/words.sh' |
	grep -vE 'https?://(www\.apache\.org|json-schema\.org|www\.postgresql\.org|www\.sqlite\.org)[/"]')
[ -z "$hits" ] || {
	echo "words: a host that words.sh does not know:" >&2
	echo "$hits" >&2
	bad=1
}
[ "$bad" -eq 0 ] && echo "words: ok"
exit "$bad"
