/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - where darn keeps what must outlive a run.
 *
 * Never inside a store: some engines take every directory there for a
 * database.
 */
#ifndef DARN_LIB_STATE_STATE_H
#define DARN_LIB_STATE_STATE_H

#include "lib/base/error.h"

/*
 * $DARN_STATE_DIR, else /var/lib/darn for root, else $XDG_STATE_HOME/darn,
 * else $HOME/.local/state/darn; with "/@sub" behind it where @sub is not "".
 * Made (mode 0700) where it does not exist.  To be freed.
 */
DARN_MUST_CHECK
enum darn_rc darn_state_dir(const char *sub, char **out,
			    struct darn_error *err);

/*
 * The file in @sub that belongs to the absolute path @path: a name made from
 * its last component and a hash of the whole, with @suffix.  To be freed.
 */
DARN_MUST_CHECK
enum darn_rc darn_state_file_for(const char *sub, const char *path,
				 const char *suffix, char **out,
				 struct darn_error *err);

#endif
