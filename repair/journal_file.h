/* SPDX-License-Identifier: Apache-2.0 */
/* journal_file.h - what journal.c and journal_read.c share. */
#ifndef DARN_REPAIR_JOURNAL_FILE_H
#define DARN_REPAIR_JOURNAL_FILE_H

#include "repair/journal_record.h"

enum {
	DARN_JOURNAL_SLOT_A = 16,
	DARN_JOURNAL_SLOT = 24,
	DARN_JOURNAL_SLOTS = 2,
	DARN_JOURNAL_HEAD =
		DARN_JOURNAL_SLOT_A + DARN_JOURNAL_SLOTS * DARN_JOURNAL_SLOT,
};
#define DARN_JOURNAL_MAGIC "darn-journal 1\n"

struct darn_journal {
	char *path, *root;
	int fd;
	uint64_t closed_len; /* 0: open */
	uint64_t end;	     /* where the next record goes */
	uint64_t last;	     /* offset of the last record, 0: none */
	uint64_t sum;	     /* its checksum */
	uint64_t next_id;
	struct darn_jbuf buf;  /* for the record being appended */
	struct darn_jbuf rbuf; /* for the one being read */
};

#endif
