#include "lib/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/latency.h"
#include "lib/mem.h"
#include "lib/suggest.h"

#define LISTED_MAX 12                 /* names in an error; more are no help */
#define WHOLE_MAX  (INT64_C(1) << 53) /* beyond, doubles skip whole numbers */

/* One value on its way into its field. */
struct reading {
	const struct json_doc *doc;
	const cJSON *node;
	const char *path; /* "stop.grace" */
	struct err *err;
};

static bool wrong(const struct reading *reading, const char *format, ...) PRINTF(2, 3);
static bool wrong(const struct reading *reading, const char *format, ...)
{
	char what[sizeof reading->err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	return json_doc_wrong(reading->doc, reading->node, reading->err, "%.200s%s%s",
		reading->path, *reading->path ? ": " : "", what);
}

/* "stop" and "grace" to "stop.grace"; to free(). */
static char *join(const char *what, const char *name)
{
	return mem_textf("%s%s%s", what, *what ? "." : "", name);
}

static size_t count_fields(const struct field *fields)
{
	size_t count = 0;

	while (fields[count].name)
		count++;
	return count;
}

static size_t count_choices(const struct field *field)
{
	size_t count = 0;

	while (field->choices[count])
		count++;
	return count;
}

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, name))
			return fields;
	return NULL;
}

/* `; did you mean "grace"?`, or what there is; to free(). */
static char *hint(const char *word, const char *const *names, size_t count)
{
	const char *near = suggest_name(word, names, count);
	SCOPED(buf_done) struct buf text = {0};

	if (near) {
		buf_addf(&text, "; did you mean \"%s\"?", near);
		return buf_take(&text);
	}
	for (size_t i = 0; i < count && count <= LISTED_MAX; i++)
		buf_addf(&text, "%s%s", i == 0 ? "; there are: " : ", ", names[i]);
	return buf_take(&text);
}

static char *hint_field(const char *word, const struct field *fields)
{
	size_t count = count_fields(fields);
	SCOPED(mem_free) const char **names = mem_grown(NULL, count + 1, sizeof *names);

	for (size_t i = 0; i < count; i++)
		names[i] = fields[i].name;
	return hint(word, names, count);
}

static bool read_bool(bool *out, const struct reading *reading)
{
	if (!cJSON_IsBool(reading->node))
		return wrong(reading, "expected true or false, not %s",
			json_kind(reading->node));
	*out = cJSON_IsTrue(reading->node);
	return true;
}

static bool ranged(const struct field *field)
{
	return field->min != 0 || field->max != 0;
}

/* "a whole number from 1 to 20" */
static void describe_int(struct buf *text, const struct field *field)
{
	buf_adds(text, "a whole number");
	if (ranged(field) && field->max <= WHOLE_MAX)
		buf_addf(text, " from %" PRId64 " to %" PRId64, field->min, field->max);
	else if (ranged(field))
		buf_addf(text, " of at least %" PRId64, field->min);
	else
		buf_addf(text, " such as %s", field->preset ? field->preset : "3");
}

static bool read_int(
	int64_t *out, const struct field *field, const struct reading *reading)
{
	int64_t min = ranged(field) ? field->min : -WHOLE_MAX;
	int64_t max = ranged(field) && field->max < WHOLE_MAX ? field->max : WHOLE_MAX;
	SCOPED(buf_done) struct buf range = {0};
	int64_t value;

	if (json_whole(reading->node, &value) && value >= min && value <= max) {
		*out = value;
		return true;
	}
	describe_int(&range, field);
	if (!cJSON_IsNumber(reading->node))
		return wrong(reading, "expected %s, not %s", buf_text(&range),
			json_kind(reading->node));
	return wrong(reading, "expected %s, not %.16g", buf_text(&range),
		reading->node->valuedouble);
}

static bool read_duration(int64_t *out, const struct reading *reading)
{
	if (!cJSON_IsString(reading->node))
		return wrong(reading, "expected a duration such as \"250ms\", not %s",
			json_kind(reading->node));
	if (!clock_parse(out, reading->node->valuestring, reading->err))
		return wrong(reading, "%s", reading->err->text);
	return true;
}

static bool read_text(
	char **out, const struct field *field, const struct reading *reading)
{
	if (!cJSON_IsString(reading->node))
		return wrong(reading, "expected a string such as \"%s\", not %s",
			field->preset ? field->preset : "text",
			json_kind(reading->node));
	free(*out);
	*out = mem_text(reading->node->valuestring);
	return true;
}

static bool read_choice(
	int *out, const struct field *field, const struct reading *reading)
{
	SCOPED(mem_free) char *names = NULL;
	const char *word = cJSON_GetStringValue(reading->node);

	if (!word)
		return wrong(reading, "expected a name such as \"%s\", not %s",
			field->preset ? field->preset : field->choices[0],
			json_kind(reading->node));
	for (int i = 0; field->choices[i]; i++)
		if (!strcmp(field->choices[i], word)) {
			*out = i;
			return true;
		}
	names = hint(word, field->choices, count_choices(field));
	return wrong(reading, "there is no \"%.60s\"%s", word, names);
}

static bool read_field(
	const struct field *field, void *out, const struct reading *reading)
{
	switch (field->kind) {
	case FIELD_BOOL:
		return read_bool(out, reading);
	case FIELD_INT:
		return read_int(out, field, reading);
	case FIELD_DURATION:
		return read_duration(out, reading);
	case FIELD_TEXT:
		return read_text(out, field, reading);
	case FIELD_CHOICE:
		return read_choice(out, field, reading);
	case FIELD_LATENCY:
		return latency_read(out, reading->doc, reading->node, reading->err);
	case FIELD_OBJECT:
		return fields_read(field->fields, out, reading->doc, reading->node,
			reading->path, reading->err);
	case FIELD_OTHER:
		return field->read(out, reading->doc, reading->node, reading->err);
	}
	return false;
}

bool fields_read(const struct field *fields, void *out, const struct json_doc *doc,
	const cJSON *object, const char *what, struct err *err)
{
	struct reading whole = {doc, object, what, err};

	if (!cJSON_IsObject(object))
		return wrong(&whole, "expected an object, not %s", json_kind(object));
	for (const cJSON *node = object->child; node; node = node->next) {
		SCOPED(mem_free) char *path = join(what, node->string), *names = NULL;
		const struct field *field = find_field(fields, node->string);
		struct reading reading = {doc, node, path, err};

		if (!field) {
			names = hint_field(node->string, fields);
			return wrong(&reading, "no such key%s", names);
		}
		if (!read_field(field, (char *)out + field->offset, &reading))
			return false;
	}
	return true;
}

/* What a file would have to say; NULL where it would have to say nothing. */
static cJSON *preset_node(const struct field *field)
{
	cJSON *node = NULL;

	if (!field->preset)
		return NULL;
	switch (field->kind) {
	case FIELD_BOOL:
	case FIELD_INT:
	case FIELD_LATENCY:
	case FIELD_OTHER:
		node = json_parse(field->preset, strlen(field->preset));
		break;
	case FIELD_DURATION:
	case FIELD_TEXT:
	case FIELD_CHOICE:
	case FIELD_OBJECT:
		break;
	}
	return node ? node : cJSON_CreateString(field->preset);
}

static void preset_field(const struct field *field, void *out)
{
	SCOPED(json_free) cJSON *node = preset_node(field);
	char name[] = "preset";
	struct json_doc doc = {.name = name, .root = node};
	struct err err;
	struct reading reading = {&doc, node, field->name, &err};

	if (node && !read_field(field, out, &reading)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

static void zero_field(const struct field *field, void *out)
{
	switch (field->kind) {
	case FIELD_BOOL:
		*(bool *)out = false;
		return;
	case FIELD_INT:
	case FIELD_DURATION:
		*(int64_t *)out = 0;
		return;
	case FIELD_TEXT:
		*(char **)out = NULL;
		return;
	case FIELD_CHOICE:
		*(int *)out = 0;
		return;
	case FIELD_LATENCY:
		*(struct latency *)out = (struct latency){0};
		return;
	case FIELD_OBJECT:
	case FIELD_OTHER:
		return;
	}
}

void fields_preset(const struct field *fields, void *out)
{
	for (const struct field *field = fields; field->name; field++) {
		void *at = (char *)out + field->offset;

		if (field->kind == FIELD_OBJECT) {
			fields_preset(field->fields, at);
		} else {
			zero_field(field, at);
			preset_field(field, at);
		}
	}
}

void fields_done(const struct field *fields, void *out)
{
	for (const struct field *field = fields; field->name; field++) {
		void *at = (char *)out + field->offset;

		switch (field->kind) {
		case FIELD_TEXT:
			mem_free(at);
			break;
		case FIELD_LATENCY:
			latency_done(at);
			break;
		case FIELD_OBJECT:
			fields_done(field->fields, at);
			break;
		case FIELD_OTHER:
			if (field->done)
				field->done(at);
			break;
		case FIELD_BOOL:
		case FIELD_INT:
		case FIELD_DURATION:
		case FIELD_CHOICE:
			break;
		}
	}
}

bool fields_knows(const struct field *fields, const char *path, struct err *err)
{
	const char *at = path;

	for (;;) {
		size_t len = strcspn(at, ".");
		SCOPED(mem_free) char *name = mem_textf("%.*s", (int)len, at);
		SCOPED(mem_free) char *names = NULL;
		const struct field *field = find_field(fields, name);
		int here = (int)(at - path + (ptrdiff_t)len);

		if (!field) {
			names = hint_field(name, fields);
			return err_set(err, "%.*s: no such key%s", here, path, names);
		}
		if (at[len] == '\0' || field->kind == FIELD_LATENCY ||
			(field->kind == FIELD_OTHER && field->open))
			return true;
		if (field->kind != FIELD_OBJECT)
			return err_set(err, "%s: no such key; %.*s has none below it",
				path, here, path);
		fields = field->fields;
		at += len + 1;
	}
}

static cJSON *typed(const char *type)
{
	cJSON *schema = cJSON_CreateObject();

	cJSON_AddStringToObject(schema, "type", type);
	return schema;
}

static cJSON *int_schema(const struct field *field)
{
	cJSON *schema = typed("integer");

	if (ranged(field))
		cJSON_AddNumberToObject(schema, "minimum", (double)field->min);
	if (ranged(field) && field->max <= WHOLE_MAX)
		cJSON_AddNumberToObject(schema, "maximum", (double)field->max);
	return schema;
}

static cJSON *choice_schema(const struct field *field)
{
	cJSON *schema = cJSON_CreateObject();
	cJSON *names = cJSON_AddArrayToObject(schema, "enum");

	for (size_t i = 0; field->choices[i]; i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(field->choices[i]));
	return schema;
}

static cJSON *bare_schema(const struct field *field)
{
	switch (field->kind) {
	case FIELD_BOOL:
		return typed("boolean");
	case FIELD_INT:
		return int_schema(field);
	case FIELD_DURATION:
		return latency_schema_fixed();
	case FIELD_TEXT:
		return typed("string");
	case FIELD_CHOICE:
		return choice_schema(field);
	case FIELD_LATENCY:
		return latency_schema();
	case FIELD_OBJECT:
		return fields_schema(field->fields);
	case FIELD_OTHER:
		if (field->schema)
			return field->schema();
		break;
	}
	return cJSON_CreateObject();
}

cJSON *fields_schema(const struct field *fields)
{
	cJSON *schema = typed("object");
	cJSON *properties = cJSON_AddObjectToObject(schema, "properties");

	for (const struct field *field = fields; field->name; field++) {
		cJSON *property = bare_schema(field), *preset = preset_node(field);

		if (field->help)
			cJSON_AddStringToObject(property, "description", field->help);
		if (preset)
			cJSON_AddItemToObject(property, "default", preset);
		cJSON_AddItemToObject(properties, field->name, property);
	}
	cJSON_AddFalseToObject(schema, "additionalProperties");
	return schema;
}
