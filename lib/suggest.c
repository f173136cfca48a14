#include "lib/suggest.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define LISTED_MAX 12 /* more names than this are no help */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The classic table, a row for each letter of a. A swap looks back two rows, so three
 * are kept. */
static size_t distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b), width = b_len + 1;
	SCOPED(mem_free) size_t *rows = mem_zeroed(3 * width * sizeof *rows);
	size_t *before = rows, *above = rows + width, *row = rows + 2 * width;

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *reused = before;

		before = above;
		above = row;
		row = reused;
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1,
				above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[b_len];
}

const char *suggest_name(const char *word, const char *const *names, size_t count)
{
	size_t best = strlen(word) / 3 > 1 ? strlen(word) / 3 : 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t letters = distance(word, names[i]);

		if (letters < best || (letters == best && !nearest)) {
			best = letters;
			nearest = names[i];
		}
	}
	return nearest;
}

char *suggest_hint(const char *word, const char *const *names, size_t count)
{
	const char *near = suggest_name(word, names, count);
	SCOPED(buf_done) struct buf text = {0};

	if (near)
		buf_addf(&text, "; did you mean \"%s\"?", near);
	for (size_t i = 0; !near && i < count && count <= LISTED_MAX; i++)
		buf_addf(&text, "%s%s", i == 0 ? "; there are: " : ", ", names[i]);
	return buf_take(&text);
}
