#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tidy.sh CPPFLAGS - clang-tidy (.clang-tidy says which checks) and cppcheck
# over the program, two files at a time; exit 1 if one of them complains.
set -u
bad=0

# The quotes around the version do not survive being passed here.
# shellcheck disable=SC2086 # a list of options
set -- ${1:?usage: tidy.sh CPPFLAGS} -UDARN_VERSION '-DDARN_VERSION="tidy"'

sources() {
	git ls-files -z -co --exclude-standard 'cmd/*.c' 'lib/*.c' \
		'scanners/*.c' 'repair/*.c'
}

# Looking one call deeper than usual, it sees that what returns an error set one.
# Its count of the warnings that it does not show goes to standard error.
sources | xargs -0 -P 2 -I '{}' clang-tidy --quiet '{}' -- -std=c11 "$@" \
	-Xclang -analyzer-inline-max-stack-depth -Xclang 9 2>/dev/null || bad=1
[ "$bad" -eq 0 ] && echo "clang-tidy: ok" || echo "clang-tidy: FAILED"

# Left out: headers of the system, which are not read; and legacyUninitvar,
# which knows nothing of "written on success only" (the compiler, clang-tidy and
# the sanitizers look at that as well).
clean=ok
sources | xargs -0 cppcheck -q -j 2 --std=c11 --error-exitcode=1 \
	--enable=warning,performance,portability --inline-suppr \
	--suppress=missingIncludeSystem --suppress=legacyUninitvar -I. -D_GNU_SOURCE \
	'-DDARN_VERSION="tidy"' || clean=FAILED
echo "cppcheck: $clean"
[ "$clean" = ok ] || bad=1
exit "$bad"
