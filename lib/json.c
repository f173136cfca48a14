#include "lib/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/json_scan.h"
#include "lib/mem.h"
#include "lib/utf8.h"

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

/* Counts the values before node. False: node is not in the tree, and all are counted.
 */
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

static bool find_node(
	struct json_scan *scan, const struct json_doc *doc, const cJSON *node)
{
	size_t all = 0;

	*scan = (struct json_scan){.text = doc->text};
	if (!doc->text || !doc->root || !count_until(doc->root, node, &scan->wanted))
		return false;
	scan->len = strlen(doc->text);
	count_until(doc->root, NULL, &all);
	return json_scan_text(scan) && scan->values == all;
}

bool json_doc_wrong(const struct json_doc *doc, const cJSON *node, struct err *err,
	const char *format, ...)
{
	char what[sizeof err->text];
	struct json_scan scan;
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	if (!find_node(&scan, doc, node))
		return err_set(err, "%s: %s", doc->name, what);
	return fail_at(doc->name, doc->text, scan.place, err, what);
}

unsigned json_doc_line(const struct json_doc *doc, const cJSON *node)
{
	struct json_scan scan;
	unsigned line = 1;

	if (!find_node(&scan, doc, node))
		return 0;
	for (size_t i = 0; i < scan.place; i++)
		line += doc->text[i] == '\n';
	return line;
}

char *json_doc_text(const struct json_doc *doc, const cJSON *node)
{
	struct json_scan scan;

	if (!find_node(&scan, doc, node))
		return NULL;
	return mem_textf("%.*s", (int)scan.value_len, doc->text + scan.value);
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

	return order ? order
		     : (left->order > right->order) - (left->order < right->order);
}

/* The second of two members of the same name. Sorted, because comparing each with each
 * takes minutes for a hostile object of some megabytes. */
static const cJSON *find_duplicate(const cJSON *object)
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

static const cJSON *find_any_duplicate(const cJSON *tree)
{
	const cJSON *duplicate = cJSON_IsObject(tree) ? find_duplicate(tree) : NULL;

	for (const cJSON *child = tree->child; child && !duplicate; child = child->next)
		duplicate = find_any_duplicate(child);
	return duplicate;
}

bool json_doc_parse(struct json_doc *doc, const char *name, const char *text,
	size_t len, struct err *err)
{
	struct json_scan scan = {
		.text = text, .len = len, .wanted = JSON_SCAN_PAST_ALL};
	SCOPED(json_doc_done) struct json_doc made = {0};
	const cJSON *duplicate;
	const char *end;

	if (!json_scan_text(&scan))
		return fail_at(name, text, scan.at, err, scan.wrong);
	made.name = mem_text(name);
	made.text = mem_grown(NULL, len + 1, 1);
	memcpy(made.text, text, len);
	made.text[len] = '\0';
	made.root = cJSON_ParseWithLengthOpts(made.text, len, &end, false);
	if (!made.root)
		return fail_at(name, made.text, (size_t)(end - made.text), err,
			"half a surrogate pair");
	duplicate = find_any_duplicate(made.root);
	if (duplicate)
		return json_doc_wrong(&made, duplicate, err,
			"the key \"%s\" stands in this object already",
			duplicate->string);
	*doc = made;
	made = (struct json_doc){0};
	return true;
}

bool json_doc_read(struct json_doc *doc, const char *path, struct err *err)
{
	SCOPED(buf_done) struct buf text = {.ceiling = JSON_FILE_CEILING};

	if (!fs_read_file(&text, path))
		return err_sys(err, "%s", path);
	if (text.full)
		return err_set(
			err, "%s: larger than %zu MiB", path, JSON_FILE_CEILING >> 20);
	return json_doc_parse(doc, path, buf_text(&text), text.len, err);
}

bool json_doc_given(
	struct json_doc *doc, const char *name, const char *given, struct err *err)
{
	char first = given[strspn(given, " \t\r\n")];

	if (first == '\0' || strchr("{[\"", first))
		return json_doc_parse(doc, name, given, strlen(given), err);
	return json_doc_read(doc, given, err);
}

void json_doc_done(struct json_doc *doc)
{
	free(doc->name);
	free(doc->text);
	cJSON_Delete(doc->root);
	*doc = (struct json_doc){0};
}

bool json_is_valid(const char *text, size_t len)
{
	struct json_scan scan = {
		.text = text, .len = len, .wanted = JSON_SCAN_PAST_ALL};

	return json_scan_text(&scan);
}

cJSON *json_parse(const char *text, size_t len)
{
	return json_is_valid(text, len) ? cJSON_ParseWithLength(text, len) : NULL;
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
	if (cJSON_IsRaw(node)) {
		char *end;
		int64_t read = strtoll(node->valuestring, &end, 10);

		if (end == node->valuestring || *end)
			return false;
		*value = read;
		return true;
	}
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

/* cJSON prints fifteen digits as they are. */
#define PRINTED_MAX INT64_C(999999999999999)

static bool is_printed(int64_t value)
{
	return value >= -PRINTED_MAX && value <= PRINTED_MAX;
}

static cJSON *int_node(int64_t value)
{
	char text[24];

	if (is_printed(value))
		return cJSON_CreateNumber((double)value);
	snprintf(text, sizeof text, "%" PRId64, value);
	return cJSON_CreateRaw(text);
}

void json_add_int(cJSON *object, const char *key, int64_t value)
{
	cJSON_AddItemToObject(object, key, int_node(value));
}

void json_add_text(cJSON *object, const char *key, const char *text)
{
	SCOPED(mem_free) char *whole = text ? utf8_mend(text, NULL) : NULL;

	if (whole && whole[0])
		cJSON_AddStringToObject(object, key, whole);
	else
		cJSON_AddNullToObject(object, key);
}

/* Takes node; cJSON replaces the value, and the key has to move along. */
static void replace(cJSON *parent, cJSON *child, cJSON *node)
{
	node->string = child->string;
	child->string = NULL;
	cJSON_ReplaceItemViaPointer(parent, child, node);
}

static void replace_numbers(cJSON *parent)
{
	cJSON *next;

	for (cJSON *child = parent->child; child; child = next) {
		int64_t value;

		next = child->next;
		if (json_whole(child, &value) && !is_printed(value))
			replace(parent, child, int_node(value));
		else
			replace_numbers(child);
	}
}

cJSON *json_copy_exact(const cJSON *tree)
{
	cJSON *copy = cJSON_Duplicate(tree, true);

	if (copy)
		replace_numbers(copy);
	return copy;
}

/* cJSON prints whole numbers below this with all their digits. */
#define PRINTED_BELOW 1e15

static void copy_digits(const struct json_doc *doc, const cJSON *from, cJSON *to)
{
	const cJSON *original = from->child;
	cJSON *next;

	for (cJSON *child = to->child; child && original;
		child = next, original = original->next) {
		SCOPED(mem_free) char *digits = NULL;

		next = child->next;
		if (!cJSON_IsNumber(child))
			copy_digits(doc, original, child);
		else if (fabs(child->valuedouble) >= PRINTED_BELOW &&
			(digits = json_doc_text(doc, original)))
			replace(to, child, cJSON_CreateRaw(digits));
	}
}

cJSON *json_doc_copy(const struct json_doc *doc, const cJSON *node)
{
	cJSON *copy = cJSON_Duplicate(node, true);

	if (copy)
		copy_digits(doc, node, copy);
	return copy;
}

/* Takes "a" off the front of "a.b.c"; *path is NULL after the last step. To free(). */
static char *take_step(const char **path)
{
	size_t len = strcspn(*path, ".");
	char *step = mem_zeroed(len + 1);

	memcpy(step, *path, len);
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

char *json_print_inert(const cJSON *node, bool lines)
{
	SCOPED(mem_free) char *text = lines ? cJSON_Print(node) : json_print(node);
	struct buf inert = {.ceiling = SIZE_MAX};
	uint32_t point;

	for (const char *at = text; *at;) {
		size_t len = utf8_decode(&point, at, SIZE_MAX);

		if (len == 0)
			buf_adds(&inert, UTF8_REPLACEMENT);
		else if (point < 0x7f || utf8_is_inert(point))
			buf_add(&inert, at, len);
		else
			buf_addf(&inert, "\\u%04x", (unsigned)point);
		at += len ? len : 1;
	}
	return buf_take(&inert);
}

void json_free(cJSON **tree)
{
	cJSON_Delete(*tree);
	*tree = NULL;
}
