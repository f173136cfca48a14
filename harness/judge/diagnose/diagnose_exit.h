/*
 * diagnose_exit - why PID 1 exited with the code that it did.
 *
 * Told by the raw wait statuses of PID 1 and of what ran below it: an exit code of 143
 * may be a signal's default action, a decision of the program's own, a signal raised
 * again, or a status that a shell or an init reports. True when the diagnosis holds;
 * then one sentence about it has been added to `text`.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_EXIT_H
#define HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_EXIT_H

#include "harness/judge/view.h"

bool exit_hides_end(const struct view *view, struct buf *text);         /* X11 */
bool exit_reports_child(const struct view *view, struct buf *text);     /* X5 */
bool exit_after_way_down(const struct view *view, struct buf *text);    /* X8 */
bool exit_by_default_action(const struct view *view, struct buf *text); /* X9 */
bool exit_with_own_code(const struct view *view, struct buf *text);     /* X12 */

#endif
