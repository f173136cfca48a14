#include "harness/engine/unix_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* Of the kernel's net.h and socket.h. */
#define FLAG_LISTENS    0x10000u /* __SO_ACCEPTCON */
#define STATE_CONNECTED 3u       /* SS_CONNECTED */

/* "0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/app.sock" */
static bool parse_row(struct unix_socket *socket, const char *line)
{
	unsigned flags, state;

	*socket = (struct unix_socket){0};
	if (sscanf(line, "%*[^:]: %*x %*x %x %*x %x %lu %107[^\n]", &flags, &state,
		    &socket->inode, socket->path) != 4)
		return false;
	socket->listens = flags & FLAG_LISTENS;
	return socket->listens || state == STATE_CONNECTED;
}

static int by_inode(const void *one, const void *other)
{
	unsigned long a = ((const struct unix_socket *)one)->inode;
	unsigned long b = ((const struct unix_socket *)other)->inode;

	return (a > b) - (a < b);
}

void unix_table_read(struct unix_table *table, pid_t pid)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/net/unix", (int)pid);
	FILE *file = fopen(path, "re");
	struct unix_socket socket;
	char line[512];

	*table = (struct unix_table){0};
	while (file && table->count < UNIX_TABLE_MAX &&
		fgets(line, sizeof line, file)) {
		if (!parse_row(&socket, line))
			continue;
		table->list =
			mem_grown(table->list, table->count + 1, sizeof *table->list);
		table->list[table->count++] = socket;
	}
	if (file)
		fclose(file);
	if (table->count > 0)
		qsort(table->list, table->count, sizeof *table->list, by_inode);
}

void unix_table_done(struct unix_table *table)
{
	free(table->list);
	*table = (struct unix_table){0};
}

const struct unix_socket *unix_table_find(
	const struct unix_table *table, unsigned long inode)
{
	const struct unix_socket key = {.inode = inode};

	return table->count
		? bsearch(&key, table->list, table->count, sizeof key, by_inode)
		: NULL;
}

bool unix_table_is_accepted(
	const struct unix_table *table, const struct unix_socket *socket)
{
	for (unsigned i = 0; !socket->listens && i < table->count; i++) {
		if (table->list[i].listens &&
			strcmp(table->list[i].path, socket->path) == 0)
			return true;
	}
	return false;
}
