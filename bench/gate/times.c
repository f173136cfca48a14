#include "bench/gate/times.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/mem.h"

#define FORMAT "stopbench bench-gate 1: "
#define US     1e3

void times_add(struct times *times, const struct block *block)
{
	times->blocks =
		mem_grown(times->blocks, times->count + 1, sizeof *times->blocks);
	times->blocks[times->count++] = *block;
}

void times_done(struct times *times)
{
	free(times->blocks);
	*times = (struct times){0};
}

void times_write_host(const struct times *times, FILE *file)
{
	fprintf(file, FORMAT "%s\n", times->host);
	fflush(file);
}

void times_write_block(const struct block *block, FILE *file)
{
	fprintf(file, "%s %s %.1f", block->slowed ? "slowed" : "same",
		block->loaded ? "loaded" : "quiet", block->load);
	for (unsigned i = 0; i < BLOCK_PAIRS; i++)
		fprintf(file, " %.0f %.0f", block->base_ns[i] / US,
			block->new_ns[i] / US);
	fputc('\n', file);
	fflush(file);
}

static bool read_word(char **line, bool *is, const char *yes, const char *no)
{
	char *word = strsep(line, " ");

	*is = word && strcmp(word, yes) == 0;
	return *is || (word && strcmp(word, no) == 0);
}

static bool read_number(char **line, double *number, double unit)
{
	char *word = strsep(line, " "), *end = NULL;

	*number = word ? strtod(word, &end) * unit : 0;
	return end && end != word && *end == '\0' && *number >= 0 && *number < 1e15;
}

static bool read_block(struct block *block, char *line)
{
	if (!read_word(&line, &block->slowed, "slowed", "same") ||
		!read_word(&line, &block->loaded, "loaded", "quiet") ||
		!read_number(&line, &block->load, 1))
		return false;
	for (unsigned i = 0; i < BLOCK_PAIRS; i++)
		if (!read_number(&line, &block->base_ns[i], US) ||
			!read_number(&line, &block->new_ns[i], US))
			return false;
	return line == NULL;
}

static bool read_line(struct times *times, char *line, unsigned number,
	const char *path, struct err *err)
{
	struct block block;

	line[strcspn(line, "\n")] = '\0';
	if (number == 1) {
		if (strncmp(line, FORMAT, strlen(FORMAT)) != 0)
			return err_set(
				err, "%s: does not begin with \"%s\"", path, FORMAT);
		snprintf(times->host, sizeof times->host, "%s", line + strlen(FORMAT));
		return true;
	}
	if (!read_block(&block, line))
		return err_set(err, "%s:%u: is no block of %d pairs", path, number,
			BLOCK_PAIRS);
	times_add(times, &block);
	return true;
}

bool times_read(struct times *times, const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	SCOPED(mem_free) char *line = NULL;
	size_t size = 0;
	bool ok = true;

	if (!file)
		return err_set(err, "%s: %s", path, strerror(errno));
	for (unsigned number = 1; ok && getline(&line, &size, file) > 0; number++)
		ok = read_line(times, line, number, path, err);
	fclose(file);
	return ok && (times->count > 0 || err_set(err, "%s: has no blocks", path));
}
