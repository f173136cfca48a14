/*
 * diagnose_wait - what a program that nobody here wrote was waiting for when the grace
 * expired.
 *
 * Told by the signal trace and by the snapshots before the signal and before the end.
 * True when the diagnosis holds; then one sentence about it has been added to `text`.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_WAIT_H
#define HARNESS_JUDGE_DIAGNOSE_DIAGNOSE_WAIT_H

#include "harness/judge/view.h"

bool wait_for_agent(const struct view *view, struct buf *text);       /* H1 */
bool wait_for_writer(const struct view *view, struct buf *text);      /* H7 */
bool wait_for_connections(const struct view *view, struct buf *text); /* H8 */
bool wait_for_peers(const struct view *view, struct buf *text);       /* H16 */
bool wait_for_child(const struct view *view, struct buf *text);       /* H3 */
bool wait_elsewhere(const struct view *view, struct buf *text);       /* H10 */

#endif
