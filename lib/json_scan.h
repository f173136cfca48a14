/*
 * json_scan - one walk over a text: is it JSON, and where does its n-th value stand?
 *
 * Private to json.c. cJSON alone would accept what other parsers refuse (01, raw line
 * ends in strings, broken UTF-8), would end a string at \u0000, and its nodes have no
 * position.
 */
#ifndef LIB_JSON_SCAN_H
#define LIB_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cc.h"

#define JSON_SCAN_PAST_ALL SIZE_MAX

struct json_scan {
	const char *text;
	size_t len;
	size_t at;
	size_t values; /* begun so far */
	size_t wanted; /* number of the value to locate, or JSON_SCAN_PAST_ALL */
	size_t place;  /* of its key, or of the value where it has none */
	size_t value;
	size_t value_len;
	char wrong[96]; /* after a false: what is wrong at `at` */
};

/* Begin with text, len and wanted set and the rest zeroed. */
bool json_scan_text(struct json_scan *scan) MUST_CHECK;

#endif
