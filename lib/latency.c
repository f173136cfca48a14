#include "lib/latency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define EXAMPLE   "\"250ms\" or {\"distribution\": \"exponential\", \"mean\": \"200ms\"}"
#define SIGMA_MAX 10.0 /* beyond, every draw is 0 or the maximum */

/* --- forms --- */

static const struct field duration = {
	"", FIELD_DURATION, offsetof(struct latency, a_ns), .max = LATENCY_MAX_NS};

static bool read_values(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct latency *latency = out;
	int count = cJSON_GetArraySize(node);
	const cJSON *value;

	if (!cJSON_IsArray(node) || count < 1 || count > LATENCY_VALUES_MAX)
		return json_doc_wrong(doc, node, err,
			"values: expected a list of 1 to %d durations, [\"10ms\", ...]",
			LATENCY_VALUES_MAX);
	latency->values_ns = mem_grown(NULL, (size_t)count, sizeof *latency->values_ns);
	cJSON_ArrayForEach(value, node) {
		struct err why;

		if (!field_read(&duration, latency->values_ns + latency->values++,
			    value, &why))
			return json_doc_wrong(doc, value, err, "%s", why.text);
	}
	return true;
}

static cJSON *values_schema(void)
{
	cJSON *schema = json_fill(NULL,
		"{'type': 'array', 'items': {}, 'minItems': 1, 'maxItems': %d}",
		LATENCY_VALUES_MAX);

	cJSON_ReplaceItemInObjectCaseSensitive(
		schema, "items", field_schema_duration());
	return schema;
}

static const struct field_type distribution_type = {0}; /* find_form() reads it */
static const struct field_type values_type = {
	.read = read_values, .schema = values_schema};

/* clang-format off */
#define DISTRIBUTION {"distribution", FIELD_OTHER, .type = &distribution_type, .required = true}
#define TIME(name, member) {name, FIELD_DURATION, offsetof(struct latency, member), \
	.max = LATENCY_MAX_NS, .required = true}
#define SHAPE(name, from, to) {name, FIELD_NUMBER, offsetof(struct latency, shape), \
	.least = from, .most = to, .required = true}
/* clang-format on */

static const struct form {
	const char *name;
	struct field fields[4];
} forms[] = {
	[LATENCY_UNIFORM] = {"uniform",
		{DISTRIBUTION, TIME("min", a_ns), TIME("max", b_ns)}},
	[LATENCY_NORMAL] = {"normal",
		{DISTRIBUTION, TIME("mean", a_ns), TIME("deviation", b_ns)}},
	[LATENCY_LOGNORMAL] = {"lognormal",
		{DISTRIBUTION, TIME("median", a_ns), SHAPE("sigma", 0, SIGMA_MAX)}},
	[LATENCY_EXPONENTIAL] = {"exponential", {DISTRIBUTION, TIME("mean", a_ns)}},
	[LATENCY_PARETO] = {"pareto",
		{DISTRIBUTION, TIME("min", a_ns), SHAPE("shape", 0.01, 1000)}},
	[LATENCY_EMPIRICAL] = {"empirical",
		{DISTRIBUTION,
			{"values", FIELD_OTHER, .type = &values_type,
				.required = true}}},
};

/* --- reading --- */

static bool find_form(enum latency_kind *kind, const struct json_doc *doc,
	const cJSON *object, struct err *err)
{
	const cJSON *node = json_get(object, "distribution");
	const char *name = cJSON_GetStringValue(node);
	SCOPED(buf_done) struct buf all = {0};

	for (size_t i = LATENCY_UNIFORM; i < COUNT(forms); i++) {
		if (name && !strcmp(name, forms[i].name)) {
			*kind = (enum latency_kind)i;
			return true;
		}
		buf_addf(&all, "%s%s", all.len ? ", " : "", forms[i].name);
	}
	if (!node)
		return json_doc_wrong(doc, object, err,
			"%s: \"distribution\" is missing; there are: %s",
			object->string ? object->string : "latency", buf_text(&all));
	return json_doc_wrong(doc, node, err,
		"distribution: expected one of %s, not %s%.40s%s", buf_text(&all),
		name ? "\"" : "", name ? name : json_kind(node), name ? "\"" : "");
}

static bool read_form(struct latency *latency, const struct json_doc *doc,
	const cJSON *object, struct err *err)
{
	if (!find_form(&latency->kind, doc, object, err) ||
		!fields_read(forms[latency->kind].fields, latency, doc, object,
			object->string ? object->string : "", err))
		return false;
	if (latency->kind == LATENCY_UNIFORM && latency->a_ns > latency->b_ns)
		return json_doc_wrong(
			doc, json_get(object, "max"), err, "max: less than min");
	return true;
}

static bool read_fixed(struct latency *latency, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const char *name = node->string ? node->string : "latency";
	struct err why;

	if (!cJSON_IsString(node))
		return json_doc_wrong(doc, node, err,
			"%.60s: expected a latency such as " EXAMPLE ", not %s", name,
			json_kind(node));
	return field_read(&duration, &latency->a_ns, node, &why) ||
		json_doc_wrong(doc, node, err, "%.60s: %s", name, why.text);
}

static bool read_latency(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	SCOPED(latency_done) struct latency made = {0};

	if (!(cJSON_IsObject(node) ? read_form : read_fixed)(&made, doc, node, err))
		return false;
	latency_done(out);
	*(struct latency *)out = made;
	made = (struct latency){0};
	return true;
}

void latency_done(void *latency)
{
	struct latency *old = latency;

	free(old->values_ns);
	*old = (struct latency){0};
}

static cJSON *schema(void)
{
	cJSON *schema = cJSON_CreateObject();
	cJSON *any = cJSON_AddArrayToObject(schema, "anyOf");

	cJSON_AddItemToArray(any, field_schema_duration());
	for (size_t i = LATENCY_UNIFORM; i < COUNT(forms); i++) {
		cJSON *form = fields_schema(forms[i].fields);

		cJSON_AddStringToObject(
			cJSON_GetObjectItemCaseSensitive(
				cJSON_GetObjectItemCaseSensitive(form, "properties"),
				"distribution"),
			"const", forms[i].name);
		cJSON_AddItemToArray(any, form);
	}
	return schema;
}

const struct field_type latency_type = {
	.read = read_latency,
	.done = latency_done,
	.schema = schema,
	.size = sizeof(struct latency),
	.open = true,
};

/* --- draws --- */

/* Box and Muller's, of which one half is unused: no state beside rng. */
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

int64_t latency_longest(const struct latency *latency)
{
	int64_t longest_ns = 0;

	switch (latency->kind) {
	case LATENCY_FIXED:
		return latency->a_ns;
	case LATENCY_UNIFORM:
		return latency->b_ns;
	case LATENCY_EMPIRICAL:
		for (unsigned i = 0; i < latency->values; i++) {
			if (latency->values_ns[i] > longest_ns)
				longest_ns = latency->values_ns[i];
		}
		return longest_ns;
	case LATENCY_NORMAL:
	case LATENCY_LOGNORMAL:
	case LATENCY_EXPONENTIAL:
	case LATENCY_PARETO:
		break;
	}
	return -1;
}
