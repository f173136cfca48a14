/*
 * json_digits - whole numbers in JSON, written from their digits.
 *
 * cJSON holds doubles and prints them with 15 digits where that is near enough, so
 * 1000000000000000 becomes 1e+15 and a stamp of 2^53 ns loses its last. What it would
 * not print exactly is put into the tree as raw text instead.
 */
#ifndef LIB_JSON_DIGITS_H
#define LIB_JSON_DIGITS_H

#include <stdint.h>

#include <cjson/cJSON.h>

void json_digits_add(cJSON *object, const char *key, int64_t value);

/* Reads what json_digits_add() added; the fallback when it is absent, null or no number. */
int64_t json_digits_get(const cJSON *object, const char *key, int64_t fallback);

/* A copy whose whole numbers are printed with all the digits that they have; the
 * caller's to cJSON_Delete(). */
cJSON *json_digits_copy(const cJSON *tree);

#endif
