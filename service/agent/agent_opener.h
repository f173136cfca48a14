/*
 * agent_opener - finds the remote session that an agent_session opens: the stored one,
 * once idle, or a new one.
 *
 *   RESUMING <-> SETTLING --> (the stored session)
 *      |            |
 *      v            v
 *   PROVISIONING <-> CREATING --> (a new session)
 */
#ifndef SERVICE_AGENT_AGENT_OPENER_H
#define SERVICE_AGENT_AGENT_OPENER_H

#include <stdbool.h>

#include "service/agent/agent_client.h"

struct agent_opener;

/* Once, from the loop; may destroy the opener. Borrows both: the session's id, or NULL
 * and why there is none. */
typedef void agent_opener_fn(void *arg, const char *id, const char *why);

/* id: the stored session, or NULL. room and bot become a new session's metadata.
 * Keeps client, room and bot; copies id. */
struct agent_opener *agent_opener_start(struct agent_client *client, const char *id,
	const char *room, const char *bot, agent_opener_fn *done, void *arg) MUST_CHECK;
/* No callback any more. Accepts NULL. */
void agent_opener_destroy(struct agent_opener *opener);

/* Borrowed: the stored session, while it may be the result; else NULL. */
const char *agent_opener_stored_id(const struct agent_opener *opener);

/* True: a session may just be created; `done` follows, after no other try. False: the
 * opener may be destroyed, nothing is left behind. */
bool agent_opener_finish(struct agent_opener *opener);

#endif
