#include "lib/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/suggest.h"

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, name))
			return fields;
	return NULL;
}

static char *hint_field(const char *word, const struct field *fields)
{
	SCOPED(mem_free) const char **names = NULL;
	size_t count = 0;

	for (; fields->name; fields++) {
		names = mem_grown(names, count + 1, sizeof *names);
		names[count++] = fields->name;
	}
	return suggest_hint(word, names, count);
}

/* --- objects --- */

/* What one call of fields_read_all() has in all its objects. */
struct fields_reading {
	const struct json_doc *doc;
	fields_wrong_fn *wrong;
	void *arg;
	unsigned count; /* of wrong members */
};

static void report(struct fields_reading *reading, const cJSON *node, const char *path,
	const char *format, ...) PRINTF(4, 5);
static void report(struct fields_reading *reading, const cJSON *node, const char *path,
	const char *format, ...)
{
	struct err what, err;
	va_list args;

	va_start(args, format);
	vsnprintf(what.text, sizeof what.text, format, args);
	va_end(args);
	json_doc_wrong(reading->doc, node, &err, "%.200s%s%s", path, *path ? ": " : "",
		what.text);
	reading->count++;
	reading->wrong(reading->arg, &err);
}

static void read_object(struct fields_reading *reading, const struct field *fields,
	void *out, const cJSON *object, const char *path);

static void read_member(struct fields_reading *reading, const struct field *field,
	void *out, const cJSON *node, const char *path)
{
	struct err err;

	if (field->kind == FIELD_OBJECT) {
		read_object(reading, field->fields, out, node, path);
	} else if (field->kind != FIELD_OTHER) {
		if (!field_read(field, out, node, &err))
			report(reading, node, path, "%s", err.text);
	} else if (field->type->read &&
		!field->type->read(out, reading->doc, node, &err)) {
		reading->count++;
		reading->wrong(reading->arg, &err);
	}
}

static void report_unknown(struct fields_reading *reading, const struct field *fields,
	const cJSON *node, const char *path)
{
	SCOPED(mem_free) char *hint = hint_field(node->string, fields);
	const char *dot = strrchr(node->string, '.');
	struct err err;

	if (dot && fields_knows(fields, node->string, &err))
		report(reading, node, path,
			"no such key; \"%.100s\" belongs into an object \"%.*s\"",
			dot + 1, (int)(dot - node->string), node->string);
	else
		report(reading, node, path, "no such key%s", hint);
}

static void read_object(struct fields_reading *reading, const struct field *fields,
	void *out, const cJSON *object, const char *path)
{
	if (!cJSON_IsObject(object)) {
		report(reading, object, path, "expected an object, not %s",
			json_kind(object));
		return;
	}
	for (const cJSON *node = object->child; node; node = node->next) {
		SCOPED(mem_free) char *below =
			mem_textf("%s%s%s", path, *path ? "." : "", node->string);
		const struct field *field = find_field(fields, node->string);

		if (field)
			read_member(reading, field, (char *)out + field->offset, node,
				below);
		else
			report_unknown(reading, fields, node, below);
	}
	for (const struct field *field = fields; field->name; field++)
		if (field->required && !json_get(object, field->name))
			report(reading, object, path, "\"%s\" is missing", field->name);
}

unsigned fields_read_all(const struct field *fields, void *out,
	const struct json_doc *doc, const cJSON *object, const char *what,
	fields_wrong_fn *wrong, void *arg)
{
	struct fields_reading reading = {doc, wrong, arg, 0};

	read_object(&reading, fields, out, object, what);
	return reading.count;
}

void fields_keep_first(void *arg, const struct err *err)
{
	struct err *first = arg;

	if (first->text[0] == '\0')
		*first = *err;
}

bool fields_read(const struct field *fields, void *out, const struct json_doc *doc,
	const cJSON *object, const char *what, struct err *err)
{
	struct err first = {0};

	if (fields_read_all(
		    fields, out, doc, object, what, fields_keep_first, &first) == 0)
		return true;
	*err = first;
	return false;
}

/* --- presets --- */

static bool preset_other(const struct field *field, void *out, struct err *err)
{
	SCOPED(json_free) cJSON *node = field_preset_json(field);
	char name[] = "preset";
	struct json_doc doc = {.name = name, .root = node};

	return field->type->read(out, &doc, node, err);
}

static void preset_field(const struct field *field, void *out)
{
	static const size_t sizes[] = {
		[FIELD_BOOL] = sizeof(bool),
		[FIELD_INT] = sizeof(int64_t),
		[FIELD_NUMBER] = sizeof(double),
		[FIELD_DURATION] = sizeof(int64_t),
		[FIELD_TEXT] = sizeof(char *),
		[FIELD_CHOICE] = sizeof(int),
	};
	struct err err;

	memset(out, 0,
		field->kind == FIELD_OTHER ? field->type->size : sizes[field->kind]);
	if (!field->preset)
		return;
	if (field->kind == FIELD_OTHER ? preset_other(field, out, &err)
				       : field_parse(field, out, field->preset, &err))
		return;
	fprintf(stderr, "preset of %s: %s\n", field->name, err.text);
	abort();
}

void fields_preset(const struct field *fields, void *out)
{
	for (const struct field *field = fields; field->name; field++) {
		void *at = (char *)out + field->offset;

		if (field->kind == FIELD_OBJECT)
			fields_preset(field->fields, at);
		else
			preset_field(field, at);
	}
}

void fields_done(const struct field *fields, void *out)
{
	for (const struct field *field = fields; field->name; field++) {
		void *at = (char *)out + field->offset;

		if (field->kind == FIELD_TEXT)
			mem_free(at);
		else if (field->kind == FIELD_OBJECT)
			fields_done(field->fields, at);
		else if (field->kind == FIELD_OTHER && field->type->done)
			field->type->done(at);
	}
}

/* --- paths --- */

bool fields_knows(const struct field *fields, const char *path, struct err *err)
{
	const char *at = path;

	for (;;) {
		size_t len = strcspn(at, ".");
		SCOPED(mem_free) char *name = mem_textf("%.*s", (int)len, at);
		SCOPED(mem_free) char *hint = NULL;
		const struct field *field = find_field(fields, name);
		int here = (int)(at - path + (ptrdiff_t)len);

		if (!field) {
			hint = hint_field(name, fields);
			return err_set(err, "%.*s: no such key%s", here, path, hint);
		}
		if (at[len] == '\0' ||
			(field->kind == FIELD_OTHER && field->type->open))
			return true;
		if (field->kind != FIELD_OBJECT)
			return err_set(err, "%s: no such key; %.*s has none below it",
				path, here, path);
		fields = field->fields;
		at += len + 1;
	}
}
