#include "lib/latency.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define EXAMPLE   "\"250ms\" or {\"distribution\": \"exponential\", \"mean\": \"200ms\"}"
#define SIGMA_MAX 10.0 /* beyond, every draw is 0 or the maximum */
#define SHAPE_MAX 1000.0

/* What an object of a distribution is made of; all of it must be there. */
struct form {
	const char *name;
	const char *a, *b;  /* durations */
	const char *shape;  /* a number */
	const char *values; /* a list of durations */
	double shape_min, shape_max;
};

static const struct form forms[] = {
	[LATENCY_FIXED] = {.name = NULL},
	[LATENCY_UNIFORM] = {"uniform", .a = "min", .b = "max"},
	[LATENCY_NORMAL] = {"normal", .a = "mean", .b = "deviation"},
	[LATENCY_LOGNORMAL] = {"lognormal", .a = "median", .shape = "sigma",
		.shape_max = SIGMA_MAX},
	[LATENCY_EXPONENTIAL] = {"exponential", .a = "mean"},
	[LATENCY_PARETO] = {"pareto", .a = "min", .shape = "shape", .shape_min = 0.01,
		.shape_max = SHAPE_MAX},
	[LATENCY_EMPIRICAL] = {"empirical", .values = "values"},
};

/* "latency: " in front or, in an array, nothing: the place says enough. */
static bool wrong(const struct json_doc *doc, const cJSON *node, struct err *err,
	const char *format, ...) PRINTF(4, 5);
static bool wrong(const struct json_doc *doc, const cJSON *node, struct err *err,
	const char *format, ...)
{
	const char *name = node->string ? node->string : "";
	char what[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	return json_doc_wrong(
		doc, node, err, "%.60s%s%s", name, *name ? ": " : "", what);
}

static bool read_duration(
	int64_t *ns, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	int64_t read_ns;

	if (!cJSON_IsString(node))
		return wrong(doc, node, err,
			"expected a duration such as \"250ms\", not %s",
			json_kind(node));
	if (!clock_parse(&read_ns, node->valuestring, err))
		return wrong(doc, node, err, "%s", err->text);
	if (read_ns > LATENCY_MAX_NS)
		return wrong(doc, node, err, "longer than 24h");
	*ns = read_ns;
	return true;
}

static bool read_shape(struct latency *latency, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const struct form *form = &forms[latency->kind];

	if (!cJSON_IsNumber(node))
		return wrong(doc, node, err, "expected a number such as 1.5, not %s",
			json_kind(node));
	if (node->valuedouble < form->shape_min || node->valuedouble > form->shape_max)
		return wrong(doc, node, err, "expected a number from %g to %g",
			form->shape_min, form->shape_max);
	latency->shape = node->valuedouble;
	return true;
}

static bool read_values(struct latency *latency, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	int count = cJSON_GetArraySize(node);

	if (!cJSON_IsArray(node) || count < 1 || count > LATENCY_VALUES_MAX)
		return wrong(doc, node, err,
			"expected a list of 1 to %d durations, [\"10ms\", ...]",
			LATENCY_VALUES_MAX);
	latency->values_ns = mem_grown(NULL, (size_t)count, sizeof *latency->values_ns);
	for (const cJSON *value = node->child; value; value = value->next)
		if (!read_duration(
			    latency->values_ns + latency->values++, doc, value, err))
			return false;
	return true;
}

static bool is(const char *known, const char *word)
{
	return known && !strcmp(known, word);
}

/* "distribution, min, max" */
static void list_keys(struct buf *text, const struct form *form)
{
	const char *keys[] = {form->a, form->b, form->shape, form->values};

	buf_adds(text, "distribution");
	for (size_t i = 0; i < COUNT(keys); i++)
		if (keys[i])
			buf_addf(text, ", %s", keys[i]);
}

static bool check_keys(const struct form *form, const struct json_doc *doc,
	const cJSON *object, struct err *err)
{
	const char *keys[] = {form->a, form->b, form->shape, form->values};
	SCOPED(buf_done) struct buf all = {0};

	list_keys(&all, form);
	for (const cJSON *child = object->child; child; child = child->next) {
		bool known = is("distribution", child->string);

		for (size_t i = 0; i < COUNT(keys); i++)
			known |= is(keys[i], child->string);
		if (!known)
			return wrong(doc, child, err, "no such key; %s has: %s",
				form->name, buf_text(&all));
	}
	for (size_t i = 0; i < COUNT(keys); i++)
		if (keys[i] && !json_get(object, keys[i]))
			return wrong(doc, object, err, "\"%s\" is missing; %s has: %s",
				keys[i], form->name, buf_text(&all));
	return true;
}

static bool find_form(enum latency_kind *kind, const struct json_doc *doc,
	const cJSON *object, struct err *err)
{
	const cJSON *node = json_get(object, "distribution");
	SCOPED(buf_done) struct buf all = {0};

	for (size_t i = LATENCY_UNIFORM; i < COUNT(forms); i++) {
		if (cJSON_IsString(node) && !strcmp(node->valuestring, forms[i].name)) {
			*kind = (enum latency_kind)i;
			return true;
		}
		buf_addf(&all, "%s%s", all.len ? ", " : "", forms[i].name);
	}
	if (!node)
		return wrong(doc, object, err,
			"\"distribution\" is missing; there are: %s", buf_text(&all));
	if (!cJSON_IsString(node))
		return wrong(doc, node, err, "expected one of %s, not %s",
			buf_text(&all), json_kind(node));
	return wrong(doc, node, err, "expected one of %s, not \"%.40s\"",
		buf_text(&all), node->valuestring);
}

static bool read_object(struct latency *latency, const struct json_doc *doc,
	const cJSON *object, struct err *err)
{
	const struct form *form;

	if (!find_form(&latency->kind, doc, object, err))
		return false;
	form = &forms[latency->kind];
	if (!check_keys(form, doc, object, err))
		return false;
	if (form->a &&
		!read_duration(&latency->a_ns, doc, json_get(object, form->a), err))
		return false;
	if (form->b &&
		!read_duration(&latency->b_ns, doc, json_get(object, form->b), err))
		return false;
	if (form->shape &&
		!read_shape(latency, doc, json_get(object, form->shape), err))
		return false;
	if (form->values &&
		!read_values(latency, doc, json_get(object, form->values), err))
		return false;
	if (latency->kind == LATENCY_UNIFORM && latency->a_ns > latency->b_ns)
		return wrong(doc, json_get(object, form->b), err, "less than min");
	return true;
}

bool latency_read(struct latency *latency, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	SCOPED(latency_done) struct latency made = {0};

	if (cJSON_IsObject(node)) {
		if (!read_object(&made, doc, node, err))
			return false;
	} else if (cJSON_IsString(node)) {
		if (!read_duration(&made.a_ns, doc, node, err))
			return false;
	} else {
		return wrong(doc, node, err,
			"expected a latency such as " EXAMPLE ", not %s",
			json_kind(node));
	}
	latency_done(latency);
	*latency = made;
	made = (struct latency){0};
	return true;
}

void latency_done(struct latency *latency)
{
	free(latency->values_ns);
	*latency = (struct latency){0};
}

cJSON *latency_schema_fixed(void)
{
	cJSON *schema = cJSON_CreateObject();

	cJSON_AddStringToObject(schema, "type", "string");
	cJSON_AddStringToObject(
		schema, "pattern", "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$");
	return schema;
}

static void add_property(cJSON *object, const char *name, cJSON *schema)
{
	cJSON_AddItemToObject(
		cJSON_GetObjectItemCaseSensitive(object, "properties"), name, schema);
	cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(object, "required"),
		cJSON_CreateString(name));
}

static cJSON *form_schema(const struct form *form)
{
	cJSON *object = cJSON_CreateObject(), *part = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "type", "object");
	cJSON_AddObjectToObject(object, "properties");
	cJSON_AddArrayToObject(object, "required");
	cJSON_AddFalseToObject(object, "additionalProperties");
	cJSON_AddStringToObject(part, "const", form->name);
	add_property(object, "distribution", part);
	if (form->a)
		add_property(object, form->a, latency_schema_fixed());
	if (form->b)
		add_property(object, form->b, latency_schema_fixed());
	if (form->shape) {
		part = cJSON_CreateObject();
		cJSON_AddStringToObject(part, "type", "number");
		cJSON_AddNumberToObject(part, "minimum", form->shape_min);
		cJSON_AddNumberToObject(part, "maximum", form->shape_max);
		add_property(object, form->shape, part);
	}
	if (form->values) {
		part = cJSON_CreateObject();
		cJSON_AddStringToObject(part, "type", "array");
		cJSON_AddItemToObject(part, "items", latency_schema_fixed());
		cJSON_AddNumberToObject(part, "minItems", 1);
		cJSON_AddNumberToObject(part, "maxItems", LATENCY_VALUES_MAX);
		add_property(object, form->values, part);
	}
	return object;
}

cJSON *latency_schema(void)
{
	cJSON *schema = cJSON_CreateObject();
	cJSON *any = cJSON_AddArrayToObject(schema, "anyOf");

	cJSON_AddItemToArray(any, latency_schema_fixed());
	for (size_t i = LATENCY_UNIFORM; i < COUNT(forms); i++)
		cJSON_AddItemToArray(any, form_schema(&forms[i]));
	return schema;
}

/* Box and Muller's, of which one half is thrown away: no state beside the dice. */
static double roll_normal(struct rng *rng)
{
	double radius = sqrt(-2 * log(1 - rng_next(rng)));

	return radius * cos(2 * M_PI * rng_next(rng));
}

static size_t pick(struct rng *rng, unsigned count)
{
	return (size_t)(rng_next(rng) * count);
}

static double draw(const struct latency *latency, struct rng *rng)
{
	double a = (double)latency->a_ns, b = (double)latency->b_ns;

	switch (latency->kind) {
	case LATENCY_FIXED:
		return a;
	case LATENCY_UNIFORM:
		return a + (b - a) * rng_next(rng);
	case LATENCY_NORMAL:
		return a + b * roll_normal(rng);
	case LATENCY_LOGNORMAL:
		return a * exp(latency->shape * roll_normal(rng));
	case LATENCY_EXPONENTIAL:
		return -a * log(1 - rng_next(rng));
	case LATENCY_PARETO:
		return a / pow(1 - rng_next(rng), 1 / latency->shape);
	case LATENCY_EMPIRICAL:
		return (double)latency->values_ns[pick(rng, latency->values)];
	}
	return 0;
}

int64_t latency_draw(const struct latency *latency, struct rng *rng)
{
	double ns = draw(latency, rng);

	if (!(ns > 0))
		return 0;
	return ns < (double)LATENCY_MAX_NS ? (int64_t)ns : LATENCY_MAX_NS;
}
