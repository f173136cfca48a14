#include "harness/stats/test/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "lib/mem.h"

struct json_doc golden_read(void)
{
	struct json_doc doc = {0};
	struct err err;

	if (!json_doc_read(&doc, "harness/stats/test/golden.json", &err))
		fail_msg("%s", err.text);
	return doc;
}

static double number(const cJSON *node)
{
	assert_true(cJSON_IsNumber(node) || cJSON_IsNull(node));
	return cJSON_IsNull(node) ? NAN : node->valuedouble;
}

double *golden_values(const cJSON *row, const char *key, unsigned *count)
{
	const cJSON *list = json_get(row, key), *node;
	double *values = mem_grown(NULL, 1 + cJSON_GetArraySize(list), sizeof *values);

	assert_true(cJSON_IsArray(list));
	*count = 0;
	cJSON_ArrayForEach(node, list)
		values[(*count)++] = number(node);
	return values;
}

static void assert_near(const cJSON *row, const char *key, double got, double wanted)
{
	SCOPED(mem_free) char *text = json_print(row);

	if (isnan(wanted) ? !isnan(got)
			  : !(fabs(got - wanted) <= 1e-9 * fmax(fabs(wanted), 1e-3)))
		fail_msg("%s is %.17g, not %.17g: %s", key, got, wanted, text);
}

void golden_assert(const cJSON *row, const char *key, double got)
{
	assert_near(row, key, got, number(json_at(row, key)));
}

void golden_assert_interval(const cJSON *row, const char *key, struct interval got)
{
	const cJSON *ends = json_get(row, key);

	assert_int_equal(cJSON_GetArraySize(ends), 2);
	assert_near(row, key, got.low, number(cJSON_GetArrayItem(ends, 0)));
	assert_near(row, key, got.high, number(cJSON_GetArrayItem(ends, 1)));
}
