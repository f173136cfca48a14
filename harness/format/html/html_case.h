/*
 * html_case - one round of a case on a page, in four depths of the same truth: the
 * sentence, who took how long, the critical chain, the picture; and behind them the
 * lines, the processes and what was expected.
 */
#ifndef HARNESS_FORMAT_HTML_HTML_CASE_H
#define HARNESS_FORMAT_HTML_HTML_CASE_H

#include <cjson/cJSON.h>

#include "lib/buf.h"

/* `number` is its anchor on the page. `open` shows all of it at once. */
void html_case_add(struct buf *page, const cJSON *round, unsigned number, bool open);

/* "good", "bad" or "unclear": the class of its verdict. */
const char *html_case_tone(const cJSON *round);

/* Sentence of its verdict, without markup: "Killed after 2.00s: its grace of 2s was
 * over"; the caller's. */
char *html_case_sentence(const cJSON *round) MUST_CHECK;

/* What held it up: "4 sessions, one after the other", "PID 1 (nginx)"; NULL: not known.
 * The caller's. */
char *html_case_held_up(const cJSON *round) MUST_CHECK;

/* "history/10 DISCONNECT=none sessions=3 (twin)", with its round where that is not the first; the caller's. */
char *html_case_title(const cJSON *round) MUST_CHECK;

#endif
