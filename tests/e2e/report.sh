#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# report.sh - text and JSON of one damaged store, and what --reproducible does.
#
# Only base/ is scanned, since the rest of the cluster is not there.
. tests/e2e/lib.sh
requires python3

mkdir "$T/store"
cluster "$T/store"
exits 0 scan "$T/store/base"
says '^NO DAMAGE FOUND in what a check covers'
says '"darn seal" would cover'
says '^next: darn seal '
exits 0 scan --json "$T/store/base"
valid_json "$T/out"

damage "$T/store"
exits 4 scan "$T/store/base"
says '/store: .*PostgreSQL.* 15, stopped, shutdown clean$'
says '^  shutdown: '
says '^[^ ]*/store/base/5/16384:8192000\+8192 damaged postgresql/page-checksum .*stored=0x[0-9a-f]+'
says '^  1 postgresql/page-checksum: '
says '^ +7\.8 MiB  files 1: pages of zeros'
says '^DAMAGED: '
says '^next: darn repair --dry-run [^ ]*/store/base --from SOURCE$'
complains '^darn: .* in [0-9.]+ s, '

exits 4 scan --json "$T/store/base"
valid_json "$T/out"
says '^\{"type":"header","format":"darn-report","version":1,"darn":"[^"]*","command":"scan","roots":\["[^"]*/store/base"\],"started":"2'
says '^\{"type":"finding","path":"[^"]*/store/base/5/16384","offset":8192000,"length":8192,"severity":"damaged","id":"postgresql/page-checksum","store":"postgresql","format":"page","unit":1000,"detail":\{'
says '^\{"type":"summary","exit":4,"files":[0-9]+,"findings":1,"bytes":\{"total":'
grep -q '"seconds":' "$T/out" || fail "no seconds"
check "all but good files are named" grep -q '"type":"file"' "$T/out"
check "good files are not named without -v" \
	sh -c "! grep '\"unverified\":0,\"skipped\":0,\"reason\"' '$T/out'"
plain=$(grep -c '"type":"file"' "$T/out")
exits 4 scan --json -v "$T/store/base"
valid_json "$T/out"
check "all files are named with -v" \
	test "$(grep -c '"type":"file"' "$T/out")" -gt "$plain"
complains '^darn: worker 0: tasks [0-9]+ '

exits 4 scan --json -q --reproducible "$T/store/base"
valid_json "$T/out"
check "no times with --reproducible" \
	sh -c "! grep -E '\"(started|seconds)\"' '$T/out'"
check "-q says nothing" test ! -s "$T/err"
exits 0 formats --json
valid_json "$T/out"
