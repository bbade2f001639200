/* Prepared statements of the one-place form: prepared on a shard connection when first used there, remembered, executed in binary
 * form, rows relayed as they come. */
#ifndef EXECUTOR_PREPARE_H
#define EXECUTOR_PREPARE_H

#include "executor/exec.h"

/* Sends COM_STMT_EXECUTE on the lane's connection, with COM_STMT_PREPARE before it where this connection does not know
 * the statement yet (one round trip, once a connection). The lane's cmd.mode and the like are set for the relay. */
void prepare_execute(struct exec *e, struct exec_lane *l);

#endif
