#include "lib/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *got_or_die(void *memory)
{
	if (!memory) {
		perror("memory");
		abort();
	}
	return memory;
}

void *mem_zeroed(size_t size)
{
	assert(size > 0);
	return got_or_die(calloc(1, size));
}

void *mem_grown(void *old, size_t count, size_t size)
{
	assert(count > 0 && size > 0);
	return got_or_die(reallocarray(old, count, size));
}

char *mem_text(const char *text)
{
	return text ? got_or_die(strdup(text)) : NULL;
}

char *mem_textf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return got_or_die(text);
}

/* Copied in and out, because the pointer has another type than void *. */
void mem_free(void *pointer_to_pointer)
{
	void *memory;

	memcpy(&memory, pointer_to_pointer, sizeof memory);
	free(memory);
	memory = NULL;
	memcpy(pointer_to_pointer, &memory, sizeof memory);
}
