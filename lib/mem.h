/*
 * mem - allocation that succeeds or ends the program.
 *
 * Without memory the programs can do nothing better than abort, so callers are spared
 * the branch. free() releases everything.
 */
#ifndef LIB_MEM_H
#define LIB_MEM_H

#include <stddef.h>

#include "lib/cc.h"

void *mem_zeroed(size_t size) MUST_CHECK; /* size > 0 */
void *mem_grown(void *old, size_t count, size_t size) MUST_CHECK;
char *mem_text(const char *text) MUST_CHECK; /* NULL stays NULL */
char *mem_textf(const char *format, ...) PRINTF(1, 2) MUST_CHECK;

/* For SCOPED(mem_free) char *text = ...; */
void mem_free(void *pointer_to_pointer);

#endif
