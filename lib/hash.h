/*
 * hash - FNV-1a, 64 bits.
 *
 * Tells our own values apart. It does not resist anybody who looks for a collision.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BASIS UINT64_C(0xcbf29ce484222325) /* the hash of nothing */

/* The hash of what `hash` covers, followed by len bytes of data. */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t len);

/* The same with a text and its NUL, so that ("ab", "c") is not ("a", "bc"). */
uint64_t hash_text(uint64_t hash, const char *text);

#endif
