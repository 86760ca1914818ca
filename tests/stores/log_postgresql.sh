#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the log proves, on a real cluster whose log reaches back to an older
# base backup: old pages that were put back are found, zeroed pages that had
# content are damage, and every page of the backup that the log does not change
# is put back as the exact one; no other page is written.
. tests/stores/lib.sh
. tests/stores/pg.sh
data=$(dataset postgresql) || exit 1
C=$T/cluster

fresh() {
	rm -rf "$C" "$C.ts"
	pg_copy "$data/clean" "$C"
	# what archiving is for
	cp -n "$data"/archive/0000* "$C/pg_wal/"
	chown -R --reference="$C" "$C"
}

# block NAME OLD: prints blocks of the relation that the backup has in another
# version (OLD=differs) or just so (OLD=same), a few of each
blocks() {
	python3 - "$data" "$1" "$2" <<'EOF'
import sys
data, name, want = sys.argv[1:]
for line in open(data + "/RELATIONS"):
    if line.split()[0] == name:
        path = line.split()[3]
        break
def pages(cluster):
    with open(f"{data}/{cluster}/{path}", "rb") as f:
        b = f.read()
    return [b[i:i + 8192] for i in range(0, len(b), 8192)]
clean, base = pages("clean"), pages("base")
found = [i for i, (x, y) in enumerate(zip(clean, base))
         if x[14:16] != b"\0\0" and y[14:16] != b"\0\0"
         and (x == y) == (want == "same")]
step = max(1, len(found) // 8)
print(*found[::step])
EOF
}

path_of() {
	awk -v name="$1" '$1 == name { print $4; exit }' "$data/RELATIONS"
}

# put CLUSTER|/dev/zero NAME BLOCK: that page into the trial
put() {
	dd if="$1" of="$C/$(path_of "$2")" bs=8192 seek="$3" count=1 \
		${4:+skip="$4"} conv=notrunc status=none
}

count() {
	grep -c "$1" "$T/out"
}

# 1. Healthy with all of its log.
fresh
"$DARN" scan "$C" >"$T/out" 2>&1 || die "a healthy cluster"

# 2. Old pages put back: right checksums, rows of another day.
n=0
for name in orders orders_pkey orders_tags papers; do
	for b in $(blocks $name differs); do
		put "$data/base/$(path_of $name)" $name "$b" "$b"
		n=$((n + 1))
	done
done
[ $n -gt 10 ] || die "the dataset is too tame"
"$DARN" scan --json "$C" >"$T/out" 2>"$T/err"
[ $? -eq 4 ] || die "exit status over old pages"
[ "$(count '"id":"postgresql/page-stale"')" -eq $n ] ||
	die "$n old pages were planted"
[ "$(count '"type":"finding"')" -eq $n ] || die "something else is reported"
echo "$n old pages with right checksums found, nothing else"

# 3. Zeroed pages to which the log gave content.
fresh
n=0
for b in $(blocks orders differs); do
	put /dev/zero orders "$b"
	n=$((n + 1))
done
"$DARN" scan --json "$C" >"$T/out" 2>"$T/err"
[ "$(count '"id":"postgresql/page-zeroed-in-use"')" -eq $n ] ||
	die "$n pages were zeroed"
echo "$n zeroed pages found to be in use"

# 4. The older backup as a source.
fresh
same=0 differs=0
for name in orders tokens tokens_hash points_gist points_spgist papers; do
	for b in $(blocks $name same); do
		put /dev/urandom $name "$b"
		same=$((same + 1))
	done
	for b in $(blocks $name differs); do
		put /dev/urandom $name "$b"
		differs=$((differs + 1))
	done
done
cp -a "$C" "$T/damaged"
"$DARN" repair --yes --json "$C" --from "$data/base" >"$T/out" 2>"$T/err"
[ "$(count '"verdict":"exact"')" -eq $same ] ||
	die "$same pages are the same in the backup"
[ "$(count '"done":true')" -eq $same ] || die "not all were written"
python3 - "$data/clean" "$T/damaged" "$C" "$same" "$differs" <<'EOF' ||
import os, sys
clean, damaged, now = sys.argv[1:4]
good = left = 0
for root, dirs, files in os.walk(os.path.join(now, "base")):
    for name in files:
        rel = os.path.relpath(os.path.join(root, name), now)
        a, b, c = (open(os.path.join(d, rel), "rb").read()
                   for d in (clean, damaged, now))
        for i in range(0, len(c), 8192):
            x, y, z = a[i:i+8192], b[i:i+8192], c[i:i+8192]
            if x == y:
                assert x == z, ("written without need", rel, i)
            elif z == x:
                good += 1
            else:
                assert z == y, ("neither old nor new", rel, i)
                left += 1
assert (good, left) == tuple(map(int, sys.argv[4:])), (good, left)
EOF
	die "what was written is not what the cluster had"
echo "$same pages proven by the log put back, $differs changed since left alone"

# 5. A backup that read a sequence late: most values that it hands out have no
# record of their own, so that the last record's LSN proves nothing.
fresh
tickets=$(path_of tickets)
pg_copy "$data/base" "$T/late"
cp "$data/clean/$tickets" "$T/late/$tickets"
printf x | dd of="$C/$tickets" bs=1 seek=5000 conv=notrunc status=none
"$DARN" repair --dry-run --json "$C" --from "$T/late" >"$T/out" 2>"$T/err"
grep -q "counts on without a record" "$T/out" || die "why not is not said"
[ "$(count '"verdict":"exact"')" -eq 0 ] || die "a sequence is set back"
echo "a sequence of a backup that was taken meanwhile is not proven"

# 6. A whole file that the log changes nowhere: exact only where the manifest of
# the backup says that it is all there, and its log when it ended.
lost=base/5/2619
fresh
rm "$C/$lost"
verdict() {
	"$DARN" repair --dry-run --json "$C" --from "$T/other" >"$T/out" 2>"$T/err"
	grep "\"path\":\"$C/$lost\"" "$T/out" |
		sed -n 's/.*"verdict":"\([a-z]*\)".*/\1/p'
}
other() {
	rm -rf "$T/other" "$T/other.ts"
	pg_copy "$data/base" "$T/other"
}
other
[ "$(verdict)" = exact ] || die "a whole file of the backup is $(verdict)"
truncate -s -8192 "$T/other/$lost"
[ "$(verdict)" = unknown ] || die "a file that was cut is $(verdict)"
other
rm "$T/other/backup_manifest"
[ "$(verdict)" = probable ] || die "without a manifest it is $(verdict)"
other
rm "$T/other"/pg_wal/0000*
[ "$(verdict)" = probable ] || die "without a log it is $(verdict)"
echo "a whole file of the backup: exact only if it is known to be whole"
