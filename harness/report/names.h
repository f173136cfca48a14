/*
 * names - what the facts' enums are called in reports.
 */
#ifndef HARNESS_REPORT_NAMES_H
#define HARNESS_REPORT_NAMES_H

#include "harness/engine/facts.h"
#include "harness/run/evidence.h"

const char *stamp_source_name(
	enum stamp_source source); /* "none", "kernel", "harness", "engine" */
const char *signal_delivery_name(
	enum signal_delivery fate);             /* "unknown", "delivered", "ignored" */
const char *trouble_name(enum trouble trouble); /* "none", "not-up", "not-ready", ... */
const char *request_end_name(enum request_end end); /* "answered", "lost", ... */

/* "exit 0" or "SIGKILL" of a raw wait status, in text, which is given back. */
#define WAIT_TEXT_SIZE 32
const char *wait_name(int wait_status, char text[WAIT_TEXT_SIZE]);

#endif
