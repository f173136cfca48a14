/*
 * diagnose_reach - what a program that nobody here wrote did with a stop signal that
 * reached it, where it did not end within the grace.
 *
 * Told by the signal trace and by the snapshots before the signal and before the end.
 * True when the diagnosis holds; then one sentence about it has been added to `text`.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_REACH_H
#define HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_REACH_H

#include "harness/judge/view.h"

bool reach_raised_in_vain(const struct view *view, struct buf *text);   /* W11 */
bool reach_stopped(const struct view *view, struct buf *text);          /* W7 */
bool reach_blocked(const struct view *view, struct buf *text);          /* W8 */
bool reach_trap_deferred(const struct view *view, struct buf *text);    /* W4 */
bool reach_other_meaning(const struct view *view, struct buf *text);    /* W5 */
bool reach_handler_deadlock(const struct view *view, struct buf *text); /* W10 */
bool reach_restarted(const struct view *view, struct buf *text);        /* W12 */

#endif
