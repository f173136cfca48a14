#include "lib/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define NESTING_MAX    100
#define NUMBER_LEN_MAX 63 /* cJSON cuts a longer one in two */
#define PAST_ALL       SIZE_MAX

/* One walk over a text: is it JSON, and where does its n-th value stand? cJSON alone
 * would let pass what other parsers refuse (01, raw line ends in strings, broken
 * UTF-8) and end a string at \u0000. */
struct scan {
	const char *text;
	size_t len;
	size_t at;
	size_t values;  /* begun so far */
	size_t wanted;  /* the one whose place is asked for, or PAST_ALL */
	size_t place;   /* its key's, or its own where it has none */
	char wrong[96]; /* after a false: what is wrong at `at` */
};

static bool scan_value(struct scan *scan, size_t place, unsigned depth);

static bool stop(struct scan *scan, const char *format, ...) PRINTF(2, 3);
static bool stop(struct scan *scan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(scan->wrong, sizeof scan->wrong, format, args);
	va_end(args);
	return false;
}

/* NUL at the end: it is no more welcome than the end is, wherever we look for it. */
static unsigned char peek(const struct scan *scan)
{
	return scan->at < scan->len ? (unsigned char)scan->text[scan->at] : '\0';
}

/* The length of the character at `at`, 0 when it is not UTF-8: cut short, written
 * longer than need be, half a surrogate pair, or past U+10FFFF. */
static size_t character_len(const struct scan *scan)
{
	const unsigned char *byte = (const unsigned char *)scan->text + scan->at;
	size_t left = scan->len - scan->at, len;
	uint32_t point;

	if (left == 0)
		return 0;
	if (byte[0] < 0x80)
		return 1;
	len = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
	if (byte[0] < 0xc2 || byte[0] > 0xf4 || left < len)
		return 0;
	point = byte[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (byte[i] & 0x3f);
	}
	if (len == 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff)))
		return 0;
	if (len == 4 && (point < 0x10000 || point > 0x10ffff))
		return 0;
	return len;
}

static bool expected(struct scan *scan, const char *what)
{
	size_t len = character_len(scan);

	if (scan->at == scan->len)
		return stop(scan, "expected %s, found the end of the text", what);
	if (len == 0 || peek(scan) < ' ' || peek(scan) == 0x7f)
		return stop(scan, "expected %s, found byte 0x%02x", what, peek(scan));
	return stop(scan, "expected %s, found '%.*s'", what, (int)len,
		scan->text + scan->at);
}

static void skip_space(struct scan *scan)
{
	while (peek(scan) == ' ' || peek(scan) == '\t' || peek(scan) == '\n' ||
		peek(scan) == '\r')
		scan->at++;
}

static bool scan_unit(struct scan *scan, unsigned *unit)
{
	*unit = 0;
	for (int i = 0; i < 4; i++) {
		unsigned char c = peek(scan);

		if (c >= '0' && c <= '9')
			*unit = *unit << 4 | (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*unit = *unit << 4 | (unsigned)((c | 0x20) - 'a' + 10);
		else
			return expected(scan, "four hexadecimal digits behind \\u");
		scan->at++;
	}
	return true;
}

/* Whether surrogates come in pairs is left to cJSON. */
static bool scan_escape(struct scan *scan)
{
	size_t start = scan->at++;
	unsigned unit;

	if (peek(scan) != '\0' && strchr("\"\\/bfnrt", peek(scan))) {
		scan->at++;
		return true;
	}
	if (peek(scan) != 'u')
		return expected(scan, "one of \" \\ / b f n r t u behind \\");
	scan->at++;
	if (!scan_unit(scan, &unit))
		return false;
	if (unit == 0) {
		scan->at = start;
		return stop(scan, "\\u0000 has no place in a string of ours");
	}
	return true;
}

static bool scan_string(struct scan *scan, const char *what)
{
	if (peek(scan) != '"')
		return expected(scan, what);
	scan->at++;
	while (peek(scan) != '"') {
		size_t len = character_len(scan);

		if (scan->at == scan->len)
			return expected(scan, "'\"'");
		if (len == 0)
			return stop(scan, "byte 0x%02x is not UTF-8 here", peek(scan));
		if (peek(scan) < ' ')
			return stop(scan,
				"byte 0x%02x in a string: write it as an escape",
				peek(scan));
		if (peek(scan) != '\\')
			scan->at += len;
		else if (!scan_escape(scan))
			return false;
	}
	scan->at++;
	return true;
}

static bool scan_digits(struct scan *scan)
{
	if (peek(scan) < '0' || peek(scan) > '9')
		return expected(scan, "a digit");
	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return true;
}

static bool scan_number(struct scan *scan)
{
	size_t start = scan->at;

	if (peek(scan) == '-')
		scan->at++;
	if (peek(scan) == '0')
		scan->at++; /* a digit behind it is then one thing too many */
	else if (!scan_digits(scan))
		return false;
	if (peek(scan) == '.') {
		scan->at++;
		if (!scan_digits(scan))
			return false;
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		scan->at++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->at++;
		if (!scan_digits(scan))
			return false;
	}
	if (scan->at - start > NUMBER_LEN_MAX) {
		scan->at = start;
		return stop(
			scan, "a number of more than %d characters", NUMBER_LEN_MAX);
	}
	return true;
}

static bool scan_word(struct scan *scan, const char *word)
{
	size_t len = strlen(word);

	if (scan->len - scan->at < len || memcmp(scan->text + scan->at, word, len))
		return expected(scan, "a value");
	scan->at += len;
	return true;
}

/* What stands between `{` and `}` or `[` and `]`. */
static bool scan_members(struct scan *scan, bool keys, unsigned depth)
{
	char close = keys ? '}' : ']';

	if (depth == NESTING_MAX)
		return stop(scan, "nested more than %d deep", NESTING_MAX);
	scan->at++;
	skip_space(scan);
	if (peek(scan) == close) {
		scan->at++;
		return true;
	}
	for (;;) {
		size_t place = scan->at;

		if (keys) {
			if (!scan_string(scan, "a key in double quotes"))
				return false;
			skip_space(scan);
			if (peek(scan) != ':')
				return expected(scan, "':' behind the key");
			scan->at++;
			skip_space(scan);
		}
		if (!scan_value(scan, keys ? place : scan->at, depth + 1))
			return false;
		skip_space(scan);
		if (peek(scan) == close) {
			scan->at++;
			return true;
		}
		if (peek(scan) != ',')
			return expected(scan, keys ? "',' or '}'" : "',' or ']'");
		scan->at++;
		skip_space(scan);
	}
}

static bool scan_value(struct scan *scan, size_t place, unsigned depth)
{
	if (scan->values++ == scan->wanted)
		scan->place = place;
	switch (peek(scan)) {
	case '{':
		return scan_members(scan, true, depth);
	case '[':
		return scan_members(scan, false, depth);
	case '"':
		return scan_string(scan, "a string");
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	}
	if (peek(scan) == '-' || (peek(scan) >= '0' && peek(scan) <= '9'))
		return scan_number(scan);
	return expected(scan, "a value");
}

static bool scan_text(struct scan *scan)
{
	if (scan->len >= 3 && !memcmp(scan->text, "\xef\xbb\xbf", 3))
		return stop(
			scan, "a byte order mark: save the text as UTF-8 without one");
	skip_space(scan);
	if (!scan_value(scan, scan->at, 0))
		return false;
	skip_space(scan);
	if (scan->at < scan->len)
		return expected(scan, "nothing more");
	return true;
}

/* Lines and columns count from 1, columns in characters, as editors do. */
static bool fail_at(const char *name, const char *text, size_t at, struct err *err,
	const char *what)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return err_set(err, "%s:%zu:%zu: %s", name, line, column, what);
}

/* Counts the values in front of node; all of them, and false, when it isn't there. */
static bool count_until(const cJSON *tree, const cJSON *node, size_t *count)
{
	if (tree == node)
		return true;
	(*count)++;
	for (const cJSON *child = tree->child; child; child = child->next)
		if (count_until(child, node, count))
			return true;
	return false;
}

static bool find_place(const struct json_doc *doc, const cJSON *node, size_t *place)
{
	struct scan scan = {.text = doc->text};
	size_t all = 0;

	if (!doc->text || !doc->root || !count_until(doc->root, node, &scan.wanted))
		return false;
	scan.len = strlen(doc->text);
	count_until(doc->root, NULL, &all);
	if (!scan_text(&scan) || scan.values != all)
		return false;
	*place = scan.place;
	return true;
}

bool json_doc_wrong(const struct json_doc *doc, const cJSON *node, struct err *err,
	const char *format, ...)
{
	char what[sizeof err->text];
	size_t place;
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	if (!find_place(doc, node, &place))
		return err_set(err, "%s: %s", doc->name, what);
	return fail_at(doc->name, doc->text, place, err, what);
}

struct key {
	const char *name;
	const cJSON *node;
	size_t order;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	if (order != 0)
		return order;
	return left->order < right->order ? -1 : left->order > right->order;
}

/* The second of two members of the same name. Sorted, because comparing each with each
 * takes minutes for a hostile object of some megabytes. */
static const cJSON *find_twin(const cJSON *object)
{
	SCOPED(mem_free) struct key *keys = NULL;
	size_t count = 0;

	if (!object->child || !object->child->next)
		return NULL;
	keys = mem_grown(NULL, (size_t)cJSON_GetArraySize(object), sizeof *keys);
	for (const cJSON *child = object->child; child; child = child->next) {
		keys[count] = (struct key){child->string, child, count};
		count++;
	}
	qsort(keys, count, sizeof *keys, compare_keys);
	for (size_t i = 1; i < count; i++)
		if (!strcmp(keys[i - 1].name, keys[i].name))
			return keys[i].node;
	return NULL;
}

static const cJSON *find_any_twin(const cJSON *tree)
{
	const cJSON *twin = cJSON_IsObject(tree) ? find_twin(tree) : NULL;

	for (const cJSON *child = tree->child; child && !twin; child = child->next)
		twin = find_any_twin(child);
	return twin;
}

bool json_doc_parse(struct json_doc *doc, const char *name, const char *text,
	size_t len, struct err *err)
{
	struct scan scan = {.text = text, .len = len, .wanted = PAST_ALL};
	SCOPED(json_doc_done) struct json_doc made = {0};
	const cJSON *twin;
	const char *end;

	if (!scan_text(&scan))
		return fail_at(name, text, scan.at, err, scan.wrong);
	made.name = mem_text(name);
	made.text = mem_grown(NULL, len + 1, 1);
	memcpy(made.text, text, len);
	made.text[len] = '\0';
	made.root = cJSON_ParseWithLengthOpts(made.text, len, &end, false);
	if (!made.root)
		return fail_at(name, made.text, (size_t)(end - made.text), err,
			"half a surrogate pair");
	twin = find_any_twin(made.root);
	if (twin)
		return json_doc_wrong(&made, twin, err,
			"the key \"%s\" stands in this object already", twin->string);
	*doc = made;
	made = (struct json_doc){0};
	return true;
}

static void close_file(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

bool json_doc_read(struct json_doc *doc, const char *path, struct err *err)
{
	SCOPED(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
	SCOPED(buf_done) struct buf text = {.ceiling = JSON_FILE_CEILING};
	char piece[16384];
	ssize_t len;

	if (fd < 0)
		return err_sys(err, "%s", path);
	while ((len = read(fd, piece, sizeof piece)) != 0) {
		if (len < 0 && errno != EINTR)
			return err_sys(err, "%s", path);
		if (len > 0 && !buf_add(&text, piece, (size_t)len))
			return err_set(err, "%s: larger than %zu MiB", path,
				JSON_FILE_CEILING >> 20);
	}
	return json_doc_parse(doc, path, buf_text(&text), text.len, err);
}

void json_doc_done(struct json_doc *doc)
{
	free(doc->name);
	free(doc->text);
	cJSON_Delete(doc->root);
	*doc = (struct json_doc){0};
}

cJSON *json_parse(const char *text, size_t len)
{
	struct scan scan = {.text = text, .len = len, .wanted = PAST_ALL};

	return scan_text(&scan) ? cJSON_ParseWithLength(text, len) : NULL;
}

const char *json_kind(const cJSON *node)
{
	if (cJSON_IsString(node))
		return "a string";
	if (cJSON_IsNumber(node))
		return "a number";
	if (cJSON_IsObject(node))
		return "an object";
	if (cJSON_IsArray(node))
		return "an array";
	if (cJSON_IsBool(node))
		return cJSON_IsTrue(node) ? "true" : "false";
	return cJSON_IsNull(node) ? "null" : "nothing";
}

const cJSON *json_get(const cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key)
				      : NULL;
}

const char *json_text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(json_get(object, key));
}

bool json_whole(const cJSON *node, int64_t *value)
{
	if (!cJSON_IsNumber(node) || node->valuedouble != trunc(node->valuedouble) ||
		node->valuedouble < -0x1p63 || node->valuedouble >= 0x1p63)
		return false;
	*value = (int64_t)node->valuedouble;
	return true;
}

int64_t json_int(const cJSON *object, const char *key, int64_t fallback)
{
	int64_t value;

	return json_whole(json_get(object, key), &value) ? value : fallback;
}

bool json_bool(const cJSON *object, const char *key, bool fallback)
{
	const cJSON *node = json_get(object, key);

	return cJSON_IsBool(node) ? cJSON_IsTrue(node) : fallback;
}

/* Takes "a" off the front of "a.b.c"; *path is NULL behind the last. To free(). */
static char *take_step(const char **path)
{
	size_t len = strcspn(*path, ".");
	char *step = mem_textf("%.*s", (int)len, *path);

	*path = (*path)[len] == '.' ? *path + len + 1 : NULL;
	return step;
}

static cJSON *member(const cJSON *parent, const char *step)
{
	size_t len = strlen(step);

	if (cJSON_IsObject(parent))
		return cJSON_GetObjectItemCaseSensitive(parent, step);
	if (!cJSON_IsArray(parent) || len == 0 || len > 9 ||
		strspn(step, "0123456789") != len)
		return NULL;
	return cJSON_GetArrayItem(parent, (int)strtol(step, NULL, 10));
}

static void put_member(cJSON *parent, const char *step, cJSON *old, cJSON *value)
{
	if (cJSON_IsArray(parent))
		cJSON_ReplaceItemViaPointer(parent, old, value);
	else if (old)
		cJSON_ReplaceItemInObjectCaseSensitive(parent, step, value);
	else
		cJSON_AddItemToObject(parent, step, value);
}

const cJSON *json_at(const cJSON *root, const char *path)
{
	while (root && path) {
		SCOPED(mem_free) char *step = take_step(&path);

		root = member(root, step);
	}
	return root;
}

bool json_put_at(cJSON *root, const char *path, cJSON *value, struct err *err)
{
	const char *rest = path;
	cJSON *parent = root;

	for (;;) {
		int above = rest == path ? 0 : (int)(rest - path) - 1;
		SCOPED(mem_free) char *step = take_step(&rest);
		cJSON *old = member(parent, step);

		if (!old && !cJSON_IsObject(parent)) {
			cJSON_Delete(value);
			if (cJSON_IsArray(parent))
				return err_set(err, "%s: no member %s: %.*s has %d",
					path, step, above, path,
					cJSON_GetArraySize(parent));
			return err_set(err, "%s: %.*s is %s, not an object", path,
				above ? above : 4, above ? path : "this",
				json_kind(parent));
		}
		if (!rest) {
			put_member(parent, step, old, value);
			return true;
		}
		parent = old ? old : cJSON_AddObjectToObject(parent, step);
	}
}

char *json_print(const cJSON *node)
{
	char *text = cJSON_PrintUnformatted(node);

	if (!text)
		abort(); /* out of memory */
	return text;
}

void json_free(cJSON **tree)
{
	cJSON_Delete(*tree);
	*tree = NULL;
}
