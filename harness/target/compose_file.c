#include "harness/target/compose_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/mem.h"

/* A line of the file: "    depends_on: [a]" is 4, "depends_on", "[a]". */
struct line {
	int indent; /* -1: nothing is on it */
	char *key;  /* NULL: it has none */
	char *value; /* what follows the key, the dash, or the indentation; NULL: no line */
	bool dash; /* an item of a list */
};

/* Cuts blanks and one pair of quotes. */
static char *bare(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]))
		len--;
	if (len >= 2 && (text[0] == '"' || text[0] == '\'') &&
		text[len - 1] == text[0]) {
		text++;
		len -= 2;
	}
	text[len] = '\0';
	return text;
}

static void cut_comment(char *text)
{
	for (char *at = text; (at = strchr(at, '#')); at++) {
		if (at == text || at[-1] == ' ' || at[-1] == '\t') {
			*at = '\0';
			return;
		}
	}
}

/* The colon that ends a key is followed by a blank or the line's end. */
static char *key_end(char *text)
{
	char *at = text;

	if (*at == '"' || *at == '\'') {
		char *quote = strchr(at + 1, *at);

		at = quote ? quote : at;
	}
	while ((at = strchr(at, ':')) && at[1] && !strchr(" \t\r", at[1]))
		at++;
	return at;
}

/* Takes text apart. */
static struct line read_line(char *text)
{
	struct line line = {.indent = (int)strspn(text, " ")};
	char *end;

	cut_comment(text);
	text += line.indent;
	if (text[strspn(text, " \t\r")] == '\0' || strncmp(text, "---", 3) == 0)
		return (struct line){.indent = -1};
	if (text[0] == '-' && (text[1] == ' ' || text[1] == '\0')) {
		line.dash = true;
		text++;
	}
	end = line.dash || text[0] == '{' || text[0] == '[' ? NULL : key_end(text);
	if (end) {
		*end = '\0';
		line.key = bare(text);
		text = end + 1;
	}
	line.value = bare(text);
	return line;
}

/* How a key names other services. */
static const struct need_key {
	const char *key;
	const char *prefix; /* only of values that begin so */
	bool list;
} need_keys[] = {
	{"depends_on", "", true},
	{"links", "", true},
	{"volumes_from", "", true},
	{"network_mode", "service:", false},
	{"pid", "service:", false},
	{"ipc", "service:", false},
};

static const struct need_key *find_key(const char *key)
{
	for (size_t i = 0; key && i < COUNT(need_keys); i++) {
		if (strcmp(need_keys[i].key, key) == 0)
			return &need_keys[i];
	}
	return NULL;
}

/* "db:alias" of links and "db:ro" of volumes_from are db. */
static void add_need(struct strlist *needs, const struct need_key *key, char *value)
{
	size_t len = strlen(key->prefix);
	char *name = bare(value);

	if (strncmp(name, key->prefix, len) != 0 || !name[len])
		return;
	name += len;
	strlist_add(needs, "%.*s", (int)strcspn(name, ":"), name);
}

/* "[a, b]", or the keys of "{a: ..., b: ...}". */
static void add_flow(struct strlist *needs, const struct need_key *key, char *value)
{
	int depth = 0;
	char *begin = value + 1;

	for (char *at = value; *at; at++) {
		depth += *at == '[' || *at == '{'  ? 1
			: *at == ']' || *at == '}' ? -1
						   : 0;
		if ((*at != ',' || depth != 1) && depth != 0)
			continue;
		*at = '\0';
		add_need(needs, key, begin);
		begin = at + 1;
		if (depth == 0)
			return;
	}
}

struct reader {
	const char *service;
	struct strlist *needs;
	bool in_services, in_service;
	int service_indent, key_indent, item_indent; /* 0, -1: not known yet */
	const struct need_key *key;                  /* whose block this is */
};

static void read_service_line(struct reader *reader, struct line *line)
{
	if (reader->key_indent < 0)
		reader->key_indent = line->indent;
	if (line->indent == reader->key_indent && !line->dash) {
		reader->key = find_key(line->key);
		reader->item_indent = -1;
		if (!reader->key || !line->value[0])
			return;
		if (strchr("[{", line->value[0]))
			add_flow(reader->needs, reader->key, line->value);
		else if (!reader->key->list)
			add_need(reader->needs, reader->key, line->value);
		reader->key = NULL;
		return;
	}
	if (!reader->key)
		return;
	if (reader->item_indent < 0)
		reader->item_indent = line->indent;
	if (line->indent == reader->item_indent)
		add_need(reader->needs, reader->key,
			line->dash          ? line->value
				: line->key ? line->key
					    : line->value);
}

static void read_services_line(struct reader *reader, struct line *line)
{
	if (line->indent == 0) {
		reader->in_services = line->key && strcmp(line->key, "services") == 0;
		reader->in_service = false;
		reader->service_indent = 0;
		return;
	}
	if (!reader->in_services)
		return;
	if (reader->service_indent == 0)
		reader->service_indent = line->indent;
	if (line->indent == reader->service_indent) {
		reader->in_service =
			line->key && strcmp(line->key, reader->service) == 0;
		reader->key_indent = -1;
		reader->key = NULL;
	} else if (reader->in_service) {
		read_service_line(reader, line);
	}
}

/* A flow list may go on in the next lines: they become one. */
static char *join_flows(const char *text)
{
	struct buf joined = {0};
	int depth = 0;

	for (const char *at = text; *at; at++) {
		depth += *at == '[' ? 1 : *at == ']' && depth > 0 ? -1 : 0;
		/* A key's line is no part of one that was never closed. */
		if (*at == '\n' && depth > 0 && strchr(" \t\r\n]", at[1]))
			buf_adds(&joined, " ");
		else
			buf_add(&joined, at, 1);
		if (*at == '\n' && !strchr(" \t\r\n]", at[1]))
			depth = 0;
	}
	return joined.len ? buf_take(&joined) : mem_text("");
}

void compose_file_needs(const char *text, const char *service, struct strlist *needs)
{
	SCOPED(mem_free) char *copy = join_flows(text);
	struct reader reader = {.service = service, .needs = needs};

	for (char *rest = copy, *at; (at = strsep(&rest, "\n"));) {
		struct line line = read_line(at);

		if (line.indent >= 0)
			read_services_line(&reader, &line);
	}
}

char *compose_file_name(const char *text)
{
	SCOPED(mem_free) char *copy = mem_text(text);

	for (char *rest = copy, *at; (at = strsep(&rest, "\n"));) {
		struct line line = read_line(at);

		if (line.indent == 0 && line.key && strcmp(line.key, "name") == 0 &&
			line.value[0])
			return mem_text(line.value);
	}
	return NULL;
}
