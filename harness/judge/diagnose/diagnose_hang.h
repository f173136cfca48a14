/*
 * diagnose_hang - what a service that received its stop signal was still waiting for.
 *
 * True when the diagnosis holds; then one sentence about it has been added to `text`.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_HANG_H
#define HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_HANG_H

#include "harness/judge/view.h"

bool hang_longer_grace(const struct view *view, struct buf *text); /* H15 */
bool hang_sequential(const struct view *view, struct buf *text);   /* H2 */
bool hang_turns(const struct view *view, struct buf *text);        /* H9 */
bool hang_agent(const struct view *view, struct buf *text);        /* H1 */
bool hang_never_asked(const struct view *view, struct buf *text);  /* H1 */
bool hang_mcp(const struct view *view, struct buf *text);          /* H3 */

#endif
