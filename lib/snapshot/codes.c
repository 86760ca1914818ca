/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/mem.h"
#include "lib/snapshot/codes.h"

const struct darn_code darn_repo_codes[] = {
	[REPO_FRAME_ROTTEN] = {"repo/frame-rotten", DARN_DAMAGED,
			       DARN_HINT_NONE, "a frame does not match its id"},
	[REPO_FRAME_SUPERSEDED] = {"repo/frame-superseded", DARN_INFO,
				   DARN_HINT_NONE,
				   "a frame is rotten, and a good copy lies in "
				   "a newer pack"},
	[REPO_FRAME_MISSING] = {"repo/frame-missing", DARN_DAMAGED,
				DARN_HINT_NONE,
				"bytes of a snapshot are in no pack"},
	[REPO_FILE_DAMAGED] = {"repo/file-damaged", DARN_DAMAGED,
			       DARN_HINT_NONE,
			       "bytes of a file in a snapshot are lost"},
	[REPO_FILE_PARTIAL] = {"repo/file-partial", DARN_SUSPICIOUS,
			       DARN_HINT_NONE,
			       "bytes of a file could not be read when the "
			       "snapshot was made"},
	[REPO_PACK_MISSING] = {"repo/pack-missing", DARN_DAMAGED,
			       DARN_HINT_NONE, "an index has no pack"},
	[REPO_PACK_SIZE] = {"repo/pack-size", DARN_DAMAGED, DARN_HINT_NONE,
			    "a pack does not have the length that its index "
			    "says"},
	[REPO_INDEX_DAMAGED] =
		{"repo/index-damaged", DARN_DAMAGED, DARN_HINT_NONE,
		 "an index fails its check; the next create makes it "
		 "anew from its pack"},
	[REPO_SNAPSHOT_DAMAGED] = {"repo/snapshot-damaged", DARN_DAMAGED,
				   DARN_HINT_NONE,
				   "a snapshot's head or manifest fails its "
				   "check"},
	[REPO_CONFIG_DAMAGED] = {"repo/config-damaged", DARN_DAMAGED,
				 DARN_HINT_NONE,
				 "the configuration fails its check; its copy "
				 "is in use"},
	[REPO_LEFTOVER] = {"repo/leftover", DARN_INFO, DARN_HINT_NONE,
			   "a run that was cut short left this; the next "
			   "create removes it"},
	[REPO_UNINDEXED] = {"repo/pack-unindexed", DARN_INFO, DARN_HINT_NONE,
			    "no index names this pack: the run that wrote it "
			    "was cut short, or its index is lost; the next "
			    "create makes one"},
	[REPO_UNUSED] = {"repo/pack-unused", DARN_INFO, DARN_HINT_NONE,
			 "no snapshot needs this pack"},
};
const size_t darn_repo_ncodes = DARN_ARRAY_SIZE(darn_repo_codes);
