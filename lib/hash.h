/*
 * hash - FNV-1a, 64 bits.
 *
 * Tells our own values apart. It does not resist anybody who looks for a collision.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_BASIS UINT64_C(0xcbf29ce484222325) /* the hash of nothing */

/* The hash of what `hash` covers, followed by len bytes of data. */
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* The same with a text and its NUL, so that ("ab", "c") is not ("a", "bc"). */
static inline uint64_t hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text) + 1);
}

#endif
