#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# format.sh - every C file is laid out as .clang-format says ("make format").
set -u
git ls-files -z -co --exclude-standard '*.c' '*.h' |
	xargs -0 clang-format --dry-run -Werror || exit 1
echo "format: ok"
