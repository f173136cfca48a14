/*
 * diagnose_hang - what a service that heard its stop signal was still waiting for.
 *
 * The rules H1, H2, H3, H9 and H15 of diagnose.h, in its form: true when the diagnosis
 * holds, and then `text` says it.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_HANG_H
#define HARNESS_JUDGE_DIAGNOSE_HANG_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/judge/judge.h"
#include "harness/judge/view.h"

/* H15: it planned with a longer grace than it had. */
bool hang_grace_believed(const struct view *view, const struct judgement *judgement,
	char *text, size_t size);
/* H2: sessions were let go one after the other, and there were too many. */
bool hang_sequential(const struct view *view, const struct judgement *judgement,
	char *text, size_t size);
/* H9: on turns that were in flight, or it gave up waiting for them. */
bool hang_turns(const struct view *view, const struct judgement *judgement, char *text,
	size_t size);
/* H1: on the agent API to let sessions go. */
bool hang_agent(const struct view *view, const struct judgement *judgement, char *text,
	size_t size);
/* H3: on MCP servers to exit. */
bool hang_mcp(const struct view *view, const struct judgement *judgement, char *text,
	size_t size);

#endif
