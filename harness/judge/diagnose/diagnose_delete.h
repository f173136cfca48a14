/*
 * diagnose_delete - MCP servers over HTTP whose answer to DELETE was waited for.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_DELETE_H
#define HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_DELETE_H

#include "harness/judge/view.h"

/* True when it holds; then one sentence has been added to `text`. */
bool hang_delete(const struct view *view, struct buf *text); /* H17 */

#endif
