#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# snapshot.sh - "darn snapshot": what goes in comes out; packs are ordinary zstd
# files; rot in the repository is found; a killed run harms nothing.
. tests/e2e/lib.sh
requires zstd sha256sum
cd "$T" || exit 1

mkdir -p data/sub/empty
i=0
while [ "$i" -lt 40 ]; do
	seq "$i" $((i + 9000)) >"data/sub/$i"
	i=$((i + 1))
done
head -c 3000000 /dev/urandom >data/noise
truncate -s 5M data/holes
printf x | dd of=data/holes bs=1 seek=3000000 conv=notrunc 2>/dev/null
ln -s sub/7 data/link
chmod 640 data/noise
chmod 710 data/sub
find data -exec touch -h -d 2020-01-01T00:00:00Z {} +
tree() {
	(cd "$1" && find . -printf '%p %y %m %T@ %l ' \
		\( -type f -exec sha256sum {} \; -o -printf '\n' \) | sort)
}

exits 0 snapshot create --repo repo data
says '^stored: .* of new data \([0-9.]+ : 1\)'
exits 0 snapshot create --repo repo data
says '^stored: 0 B for 0 B of new data'
exits 0 snapshot list --repo repo
check "two snapshots" [ "$(wc -l <"$T/out")" -eq 2 ]
exits 0 snapshot show --repo repo latest
says 'link .*data/link -> sub/7$'
exits 0 snapshot verify --repo repo
exits 0 snapshot verify --repo repo latest
exits 0 snapshot restore --repo repo latest --to back
tree data >want
tree back >got
check "names, types, modes, times and contents are back" cmp want got
check "holes are holes" [ "$(stat -c %b back/holes)" -lt 1000 ]
exits 8 snapshot restore --repo repo latest --to back
complains 'not empty'
exits 0 snapshot restore --repo repo latest --to back --force
exits 0 snapshot restore --repo repo latest --path sub/7 --to part
check "one file of a snapshot" cmp data/sub/7 part/7
exits 0 snapshot restore --repo repo latest --path "$T/data/sub" --to part2
check "one directory of a snapshot" cmp data/sub/7 part2/7
exits 8 snapshot restore --repo repo latest --path no/where --to part3
exits 8 snapshot restore --repo repo 00nosuch --to part3
exits 8 snapshot verify --repo data
complains 'not a snapshot repository'
exits 16 snapshot create --repo data/sub/repo data
complains 'lies within'
exits 16 snapshot create --repo repo repo/packs
exits 8 snapshot create --repo back data
complains 'neither empty'

pack=$(find repo/packs -name '*.zst')
check "zstd reads a pack" zstd -q -t "$pack"

# an 8 KiB page in the middle: little is stored
dd if=/dev/urandom of=data/noise bs=8192 count=1 seek=100 conv=notrunc \
	2>/dev/null
exits 0 snapshot create --json --repo repo data
stored=$(sed -n 's/.*"type":"snapshot".*"stored":\([0-9]*\).*/\1/p' out)
check "a page that changed costs a frame" [ "$stored" -lt 70000 ]

# a repository that rots
cp -a repo rotten
printf '\125\252' | dd of="rotten/${pack#repo/}" bs=1 seek=200000 \
	conv=notrunc 2>/dev/null
exits 4 snapshot verify --repo rotten
says "^rotten/${pack#repo/}:[0-9]+\+[0-9]+ damaged repo/frame-rotten"
says 'damaged repo/file-damaged'
cp "$T/out" first
run snapshot verify -j 0 --repo rotten
check "the same findings with no threads" cmp first out
exits 4 snapshot restore --repo rotten latest --to lost
says '^lost: '
exits 0 snapshot create --repo rotten data
says '^mended: '
exits 0 snapshot verify --repo rotten latest

# a run that is killed: the older snapshots stay, the next run clears up
n=0
while [ "$n" -lt 20 ]; do
	head -c 20000000 /dev/urandom >data/more
	touch -d 2020-01-01T00:00:00Z data/more data/noise
	"$DARN" snapshot create --repo repo data >/dev/null 2>&1 &
	pid=$!
	sleep "0.0$n"
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	n=$((n + 3))
done
rm data/more
exits 0 snapshot verify --repo repo
exits 0 snapshot create --repo repo data
check "no temporary file is left" \
	[ "$(find repo -name '*.darn-tmp-*' | wc -l)" -eq 0 ]
exits 0 snapshot verify --repo repo

# two at once
"$DARN" snapshot create --repo twice data >/dev/null 2>&1 &
one=$!
"$DARN" snapshot create --repo twice data >/dev/null 2>&1 &
two=$!
wait "$one" || fail "the first of two at once"
wait "$two" || fail "the second of two at once"
exits 0 snapshot verify --repo twice
exits 0 snapshot list --repo twice
check "both are there" [ "$(wc -l <"$T/out")" -eq 2 ]
id=$(sed -n '1s/ .*//p' out)
exits 0 snapshot restore --repo twice "$id" --to twin
tree data >want
tree twin >got
check "an id's beginning names a snapshot" cmp want got

# two roots
mkdir other
echo x >other/x
exits 0 snapshot create --repo roots data other
exits 0 snapshot restore --repo roots latest --to all
check "several roots keep their paths" cmp other/x "all$T/other/x"
exits 0 snapshot restore --repo roots latest --path "$T/other" --to just
check "or one of them is chosen" cmp other/x just/x

# the contract of reports
for command in 'create --repo json data' 'list --repo json' \
	'show --repo json latest' 'verify --repo json' \
	'restore --repo json latest --to again'; do
	# shellcheck disable=SC2086 # words on purpose
	exits 0 snapshot $command --json
	valid_json "$T/out"
done
pack=$(find json/packs -name '*.zst')
printf '\125\252' | dd of="$pack" bs=1 seek=200000 conv=notrunc 2>/dev/null
exits 4 snapshot verify --repo json --json
valid_json "$T/out"
