#include "lib/fields_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/suggest.h"

#define WHOLE_MAX (INT64_C(1) << 53) /* beyond, doubles skip whole numbers */

/* Takes value if it is in the range of the field. `whole` false: there is no value.
 * `instead` is what stands there, for the error. */
static bool take_int(const struct field *field, int64_t *out, bool whole, int64_t value,
	const char *instead, struct err *err)
{
	bool ranged = field->min != 0 || field->max != 0;

	if (whole && (!ranged || (value >= field->min && value <= field->max))) {
		*out = value;
		return true;
	}
	if (ranged && field->max <= WHOLE_MAX)
		return err_set(err,
			"expected a whole number from %" PRId64 " to %" PRId64
			", not %s",
			field->min, field->max, instead);
	if (ranged)
		return err_set(err,
			"expected a whole number of at least %" PRId64 ", not %s",
			field->min, instead);
	return err_set(err, "expected a whole number such as %s, not %s",
		field->preset ? field->preset : "3", instead);
}

static bool parse_int(
	const struct field *field, int64_t *out, const char *text, struct err *err)
{
	SCOPED(mem_free) char *quoted = mem_textf("\"%.40s\"", text);
	intmax_t value;
	char *end;

	errno = 0;
	value = strtoimax(text, &end, 10);
	return take_int(field, out,
		end > text && *end == '\0' && !isspace((unsigned char)*text) &&
			errno == 0,
		value, quoted, err);
}

static bool read_int(
	const struct field *field, int64_t *out, const cJSON *node, struct err *err)
{
	SCOPED(mem_free) char *number = mem_textf("%.16g", node->valuedouble);
	int64_t value = 0;
	bool whole =
		json_whole(node, &value) && value >= -WHOLE_MAX && value <= WHOLE_MAX;

	return take_int(field, out, whole, value,
		cJSON_IsNumber(node) ? number : json_kind(node), err);
}

static bool read_number(
	const struct field *field, double *out, const cJSON *node, struct err *err)
{
	if (!cJSON_IsNumber(node))
		return err_set(
			err, "expected a number such as 1.5, not %s", json_kind(node));
	if (node->valuedouble < field->least || node->valuedouble > field->most)
		return err_set(err, "expected a number from %g to %g", field->least,
			field->most);
	*out = node->valuedouble;
	return true;
}

static bool parse_duration(
	const struct field *field, int64_t *out, const char *text, struct err *err)
{
	int64_t ns;

	if (!clock_parse(&ns, text, err))
		return false;
	if (field->max != 0 && ns > field->max)
		return err_set(
			err, "longer than %" PRId64 "h", field->max / (3600 * CLOCK_S));
	*out = ns;
	return true;
}

static bool parse_choice(
	const struct field *field, int *out, const char *text, struct err *err)
{
	SCOPED(mem_free) char *hint = NULL;
	int count;

	for (count = 0; field->choices[count]; count++)
		if (!strcmp(field->choices[count], text)) {
			*out = count;
			return true;
		}
	hint = suggest_hint(text, field->choices, (size_t)count);
	return err_set(err, "there is no \"%.60s\"%s", text, hint);
}

static bool parse_bool(bool *out, const char *text, struct err *err)
{
	static const char *const words[][2] = {
		{"0", "1"}, {"false", "true"}, {"no", "yes"}, {"off", "on"}};

	for (size_t i = 0; i < COUNT(words); i++)
		for (int value = 0; value < 2; value++)
			if (!strcasecmp(words[i][value], text)) {
				*out = value;
				return true;
			}
	return err_set(err, "expected true or false, not \"%.40s\"", text);
}

bool field_parse(
	const struct field *field, void *out, const char *text, struct err *err)
{
	switch (field->kind) {
	case FIELD_BOOL:
		return parse_bool(out, text, err);
	case FIELD_INT:
		return parse_int(field, out, text, err);
	case FIELD_DURATION:
		return parse_duration(field, out, text, err);
	case FIELD_TEXT:
		mem_free(out);
		*(char **)out = mem_text(text);
		return true;
	case FIELD_CHOICE:
		return parse_choice(field, out, text, err);
	case FIELD_NUMBER:
	case FIELD_OBJECT:
	case FIELD_OTHER:
		break;
	}
	abort();
}

/* What a field whose value is a JSON string takes: `a name such as "%s"`. */
static bool wrong_string(const struct field *field, const cJSON *node, struct err *err)
{
	const char *what = field->kind == FIELD_DURATION ? "duration"
		: field->kind == FIELD_CHOICE            ? "name"
							 : "string";
	const char *example = field->kind == FIELD_DURATION ? "250ms"
		: field->preset                             ? field->preset
		: field->kind == FIELD_CHOICE               ? field->choices[0]
							    : "text";

	return err_set(err, "expected a %s such as \"%s\", not %s", what, example,
		json_kind(node));
}

bool field_read(
	const struct field *field, void *out, const cJSON *node, struct err *err)
{
	switch (field->kind) {
	case FIELD_BOOL:
		if (!cJSON_IsBool(node))
			return err_set(
				err, "expected true or false, not %s", json_kind(node));
		*(bool *)out = cJSON_IsTrue(node);
		return true;
	case FIELD_INT:
		return read_int(field, out, node, err);
	case FIELD_NUMBER:
		return read_number(field, out, node, err);
	case FIELD_DURATION:
	case FIELD_TEXT:
	case FIELD_CHOICE:
		if (!cJSON_IsString(node))
			return wrong_string(field, node, err);
		return field_parse(field, out, node->valuestring, err);
	case FIELD_OBJECT:
	case FIELD_OTHER:
		break;
	}
	abort();
}

cJSON *field_preset_json(const struct field *field)
{
	cJSON *node = NULL;

	if (!field->preset)
		return NULL;
	if (field->kind == FIELD_BOOL || field->kind == FIELD_INT ||
		field->kind == FIELD_NUMBER || field->kind == FIELD_OTHER)
		node = json_parse(field->preset, strlen(field->preset));
	return node ? node : cJSON_CreateString(field->preset);
}
