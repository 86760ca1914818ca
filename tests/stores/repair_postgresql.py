#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""repair_postgresql.py DARN DATASET WORK older: what an older base backup may
and may not do to a cleanly stopped cluster with damaged pages.

Nothing stale is ever written; a page that the backup holds unchanged comes
back with --accept=probable only; and the torn write (old first sector, newer
rest: LSN and stored checksum are those of the backup's page) is not called
exact."""
import json
import os
import shutil
import sys

from damage_postgresql import PAGE, Cluster, run


def pages(path):
    with open(path, "rb") as f:
        data = f.read()
    return [data[i:i + PAGE] for i in range(0, len(data), PAGE)]


class Trial:
    def __init__(self, darn, dataset, work):
        self.darn = darn
        self.cluster = Cluster(dataset, work)
        self.base = os.path.join(dataset, "base")
        self.path = self.cluster.rel["orders"][0]
        self.clean = pages(self.cluster.file(self.path))
        old = pages(os.path.join(self.base, self.path))
        self.same = [i for i, p in enumerate(old) if p == self.clean[i]
                     and p[:8] != bytes(8)]
        self.differ = [i for i, p in enumerate(old)
                       if p[:8] != self.clean[i][:8]]
        self.old = old

    def repair(self, *options):
        status, out, err = run([self.darn, "repair", "--json", "--yes",
                                *options, self.cluster.root,
                                "--from", self.base])
        records = [json.loads(line) for line in out.splitlines()]
        verdicts = {r["offset"] // PAGE: r["verdict"] for r in records
                    if r["type"] == "verdict"}
        return status, verdicts, out + err

    def now(self):
        return pages(self.cluster.file(self.path))


def require(true, *what):
    if not true:
        print("FAILED:", *what)
        sys.exit(1)


def wrong_word(darn, dataset, work):
    """An operator says that nothing was written since a seal, and the page's
    own LSN shows that it was: his word does not make an old page the current
    one."""
    root, seal = os.path.join(work, "cluster"), os.path.join(work, "old.seal")
    shutil.copytree(os.path.join(dataset, "base"), root, symlinks=True)
    shutil.copytree(os.path.join(dataset, "base.ts"),
                    os.path.join(work, "base.ts"), symlinks=True)
    status, out, err = run([darn, "seal", "--manifest", seal, root])
    require(status == 0, "cannot seal", out, err)
    shutil.rmtree(root)
    t = Trial(darn, dataset, work)
    before = t.now()
    status, verdicts, out = t.repair("--manifest", seal,
                                     "--unchanged-since-seal")
    after = t.now()
    newer = [i for i in t.differ if before[i] != t.old[i]]
    require(newer and all(after[i] == before[i] for i in newer),
            "the operator's word overwrote newer pages", out[-2000:])
    print("a wrong word: nothing newer is overwritten")


def main():
    darn, dataset, work = sys.argv[1:4]
    t = Trial(darn, dataset, work)
    require(len(t.same) > 5 and len(t.differ) > 5, "the dataset is too tame")
    flipped, changed = t.same[3], t.differ[2]
    torn = t.differ[4]
    for page in (flipped, changed):
        t.cluster.flip(t.path, page * PAGE + 5000, 2)
    t.cluster.overwrite(t.path, torn * PAGE, t.old[torn][:512])
    damaged = t.now()

    status, verdicts, out = t.repair()
    print("older backup:", {p: verdicts.get(p)
                            for p in (flipped, changed, torn)}, "exit", status)
    require(status & 4 and not status & 1, "exit", status, out)
    require(t.now() == damaged, "something was written without a proof", out)
    require(verdicts.get(flipped) == "probable", verdicts, out)
    require(verdicts.get(changed) == "stale", verdicts, out)
    require(verdicts.get(torn) not in (None, "exact"), verdicts, out)

    status, verdicts, out = t.repair("--accept=probable")
    after = t.now()
    require(status & 1, "exit", status, out)
    require(after[flipped] == t.clean[flipped], "unchanged page", out)
    require(after[changed] == damaged[changed], "a stale page was written", out)
    untouched = [i for i in range(len(after)) if i not in (flipped, torn)]
    require(all(after[i] == damaged[i] for i in untouched), "others", out)
    print("--accept=probable: the unchanged page is back, nothing stale was "
          "written")
    shutil.rmtree(t.cluster.root)
    shutil.rmtree(os.path.join(work, "clean.ts"))
    wrong_word(darn, dataset, work)


if __name__ == "__main__":
    sys.exit(main())
