#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# paths.sh - odd things to scan: nothing, special files, loops, odd names.
. tests/e2e/lib.sh
requires python3

exits 8 scan "$T/nothing"
complains "^darn: .*nothing"
exits 8 scan --json "$T/nothing"
valid_json "$T/out"

mkdir "$T/empty"
exits 8 scan "$T/empty"
says '^NOT CHECKED: '
says '^next: '
exits 8 scan --json "$T/empty"
valid_json "$T/out"
says '"total":0,"verified":0,'

# None of these may hang the scan or be read.
mkdir "$T/odd"
mkfifo "$T/odd/fifo"
ln -s loop "$T/odd/loop"
ln -s .. "$T/odd/up"
ln -s /dev/zero "$T/odd/zero"
exits 8 scan --json "$T/odd"
valid_json "$T/out"
says '"total":0,'
timeout 20 "$DARN" scan "$T/odd/fifo" >"$T/out" 2>"$T/err" </dev/null
check "a FIFO as PATH: exit 8, no waiting" test $? -eq 8
timeout 20 "$DARN" scan "$T/odd/loop" >"$T/out" 2>"$T/err" </dev/null
check "a loop as PATH: exit 8" test $? -eq 8

# A name that would break a line, and one that is not UTF-8.
mkdir "$T/names"
cluster "$T/names"
name=$(printf 'a\nb\033[31m\\')
head -c 10000 /dev/zero >"$T/names/base/$name"
head -c 10000 /dev/zero >"$T/names/base/$(printf 'caf\351')"
run scan -v "$T/names"
says '/base/a\\x0ab\\x1b\[31m\\x5c '
says '/base/caf\\xe9 '
run scan -v --json "$T/names"
valid_json "$T/out"
says '"path_b64":'
check "path_b64 is the true name" python3 -c '
import base64, json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    line = json.loads(line)
    if "path_b64" in line:
        assert base64.b64decode(line["path_b64"]).endswith(b"/base/caf\xe9")
        sys.exit(0)
sys.exit(1)' "$T/out"

# PATH as typed is what the report shows.
mkdir "$T/good"
cluster "$T/good"
damage "$T/good"
cd "$T" || fail "cd"
exits 4 scan good
says '^good/base/5/16384:8192000\+8192 damaged postgresql/page-checksum '
exits 4 scan ./good/base/5/16384
says '^\./good/base/5/16384:8192000\+8192 damaged '
exits 4 scan -- good
mkdir -- -dash
exits 8 scan -- -dash
says '^next: .*\./-dash'

exits 8 scan --json --manifest nothing good
valid_json "$T/out"
says '"type":"error","message":"cannot open'
exits 8 scan --json --manifest good/PG_VERSION good
valid_json "$T/out"
exits 16 scan --format 'no such format' good
exits 0 scan --exclude 16384 good
run scan --include 'no such thing' good
check "a pattern that matches nothing is an error" \
	test "$((STATUS & 24))" -ne 0

if [ "$(id -u)" -ne 0 ]; then
	chmod 0 good/base/5/16384
	exits 8 scan good
	complains 'good/base/5/16384'
fi
