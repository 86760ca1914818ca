#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""damage_postgresql.py DARN DATASET WORK: every kind of damage that a real
cluster can have, one of each planted in one copy, must be found in one run
with file and offset, and nothing else may be reported.  All damage is planted
at fixed places."""
import json
import os
import shutil
import subprocess
import sys

PAGE = 8192


class Cluster:
    def __init__(self, dataset, work):
        self.root = os.path.join(work, "cluster")
        shutil.copytree(os.path.join(dataset, "clean"), self.root,
                        symlinks=True)
        shutil.copytree(os.path.join(dataset, "clean.ts"),
                        os.path.join(work, "clean.ts"), symlinks=True)
        self.rel = {}
        with open(os.path.join(dataset, "RELATIONS")) as f:
            for line in f:
                name, kind, am, path, blocks = line.split()
                self.rel.setdefault(name, (path, int(blocks), am))
        self.expected = []

    def file(self, path):
        return os.path.join(self.root, path)

    def expect(self, path, offset, ids, what):
        self.expected.append((path, offset, ids, what))

    def overwrite(self, path, offset, data):
        st = os.stat(self.file(path))
        with open(self.file(path), "r+b") as f:
            f.seek(offset)
            f.write(data)
        os.utime(self.file(path), ns=(st.st_atime_ns, st.st_mtime_ns))

    def read(self, path, offset, size):
        with open(self.file(path), "rb") as f:
            f.seek(offset)
            return f.read(size)

    def flip(self, path, offset, bit):
        byte = self.read(path, offset, 1)[0] ^ (1 << bit)
        self.overwrite(path, offset, bytes([byte]))

    def cut(self, path, size):
        os.truncate(self.file(path), size)


def plant_pages(c):
    orders, blocks, _ = c.rel["orders"]
    c.flip(orders, 10 * PAGE + 4000, 3)
    c.expect(orders, 10 * PAGE, ["page-checksum"], "bit flip in a heap page")
    c.overwrite(orders, 20 * PAGE + 512, b"\xa5" * 512)
    c.expect(orders, 20 * PAGE, ["page-checksum"], "torn sector, heap")
    c.overwrite(orders, 30 * PAGE, bytes(PAGE))
    c.expect(orders, 30 * PAGE, ["page-zeroed", "page-zeroed-in-use"],
             "zeroed heap page")
    c.overwrite(orders, 40 * PAGE, c.read(orders, 41 * PAGE, PAGE))
    c.expect(orders, 40 * PAGE, ["page-checksum"],
             "page of another block of the relation")
    c.overwrite(orders, 50 * PAGE + 14, bytes(2))
    c.expect(orders, 50 * PAGE, ["page-checksum", "page-new-not-empty",
                                 "page-header"],
             "pd_upper zeroed, rest as it was")
    pkey = c.rel["orders_pkey"][0]
    c.overwrite(pkey, 5 * PAGE, bytes(PAGE))
    c.expect(pkey, 5 * PAGE, ["page-zeroed", "page-zeroed-in-use"],
             "zeroed b-tree page")
    customer = c.rel["orders_customer"][0]
    c.flip(customer, 8, 0)
    c.expect(customer, 0, ["page-checksum"], "bit flip in pd_checksum")
    fsm = orders + "_fsm"
    c.flip(fsm, 2 * PAGE + 100, 1)
    c.expect(fsm, 2 * PAGE, ["page-checksum"], "bit flip in a free-space map")
    apart = c.rel["apart"][0]
    c.flip(apart, 3 * PAGE + 5000, 7)
    c.expect(apart, 3 * PAGE, ["page-checksum"], "bit flip in a tablespace")


def plant_files(c):
    tokens, blocks, _ = c.rel["tokens"]
    c.cut(tokens, (blocks - 3) * PAGE)
    c.expect(tokens, (blocks - 3) * PAGE, ["file-short"],
             "cut at a page")
    points, blocks, _ = c.rel["points"]
    c.cut(points, (blocks - 2) * PAGE + 4096)
    c.expect(points, (blocks - 2) * PAGE, ["page-cut", "file-short"],
             "cut inside a page")
    c.expect(points, (blocks - 1) * PAGE, ["file-short"],
             "the page after the cut one")
    papers = c.rel["papers_pkey"][0]
    os.unlink(c.file(papers))
    c.expect(papers, 0, ["file-missing"], "deleted relation")


def plant_keys(c):
    """What tells where the rest is: without it the catalogue is out of reach, so
    these are planted apart from missing files."""
    c.flip("global/pg_control", 40, 1)
    c.expect("global/pg_control", 0, ["control-checksum"],
             "bit flip in pg_control")
    relmap = os.path.join(os.path.dirname(c.rel["orders"][0]),
                          "pg_filenode.map")
    c.flip(relmap, 20, 2)
    c.expect(relmap, 0, ["relmap-checksum", "relmap-magic"],
             "bit flip in pg_filenode.map")


def segment_name(number, seg_size):
    per_id = 2**32 // seg_size
    return f"{1:08X}{number // per_id:08X}{number % per_id:08X}"


def plant_wal(c):
    wal = sorted(n for n in os.listdir(c.file("pg_wal")) if len(n) == 24)
    with open(c.file("global/pg_control"), "rb") as f:
        control = f.read()
    checkpoint = int.from_bytes(control[32:40], "little")
    seg_size = int.from_bytes(control[228:232], "little")
    # in the segment before that of the checkpoint, where it is still there
    segment, used = checkpoint // seg_size - 1, seg_size
    if segment_name(segment, seg_size) not in wal:
        segment, used = segment + 1, checkpoint % seg_size
    path = "pg_wal/" + segment_name(segment, seg_size)
    assert used > 4 * PAGE, "the log of the dataset is too short"
    c.flip(path, used // 2 + 1000, 4)
    c.expect(path, None, ["wal-record", "wal-page", "wal-chain",
                          "wal-padding"],
             "bit flip in the middle of WAL")


def run(argv):
    done = subprocess.run(argv, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def findings(darn, root):
    status, out, err = run([darn, "scan", "--json", "--reproducible", root])
    records = [json.loads(line) for line in out.splitlines()]
    return status, records, err


def compare(c, darn, exit_bits):
    status, records, err = findings(darn, c.root)
    found = [r for r in records if r["type"] == "finding"
             and r["severity"] != "info"]
    bad = 0
    print(f"{'damage':42} darn")
    for path, offset, ids, what in c.expected:
        hits = [r for r in found if r["path"] == c.file(path)
                and (offset is None or r["offset"] == offset)
                and r["id"].split("/")[1] in ids]
        print(f"{what:42} "
              + (" ".join(f"{h['id']}@{h['offset']}" for h in hits) or "MISSED"))
        bad += not hits
        found = [r for r in found if r not in hits]
    for r in found:
        print("NOT PLANTED:", r)
        bad += 1
    for r in records:
        if r["type"] == "error" and not (
                exit_bits & 8 and "whether all files are there" in str(r)):
            print("ERROR:", r)
            bad += 1
    if status != exit_bits or records[-1]["exit"] != status:
        print(f"exit {status}, summary {records[-1]}, {err}")
        bad += 1
    return bad


def main():
    darn, dataset, work = sys.argv[1:4]
    bad = 0
    c = Cluster(dataset, work)
    plant_pages(c)
    plant_files(c)
    plant_wal(c)
    status, records, _ = findings(darn, c.root)
    zeroed = any(r["type"] == "finding" and r["severity"] == "suspicious"
                 for r in records)
    bad += compare(c, darn, 6 if zeroed else 4)
    shutil.rmtree(c.root)
    shutil.rmtree(os.path.join(work, "clean.ts"))
    c = Cluster(dataset, work)
    plant_keys(c)
    # Without these nobody can say whether a file is missing, and that is told.
    bad += compare(c, darn, 4 | 8)
    print("damage planted and found" if not bad else f"{bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
