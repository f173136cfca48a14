#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/check/check_service.h"
#include "lib/cc.h"
#include "lib/json.h"

#define SPEC(update, container, restart)                                               \
	"{\"UpdateConfig\":{" update                                                   \
	"},\"TaskTemplate\":{\"ContainerSpec\":{" container                            \
	"},\"RestartPolicy\":{" restart "}}}"
#define GRACE   "\"StopGracePeriod\":5000000000"
#define HEALTHY "\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}"
#define FIRST   "\"Order\":\"start-first\""

static void service_is_checked_by_its_settings(void **state UNUSED)
{
	static const struct {
		const char *spec;
		unsigned replicas;
		const char *container; /* NULL: none is known */
		enum check_level level;
		const char *text; /* of the first finding; NULL: there is none */
		const char *why;
	} rows[] = {
		{SPEC("\"Parallelism\":1", GRACE "," HEALTHY, "\"Condition\":\"any\""),
			4, "{}", CHECK_NOTE, NULL, "nothing to say"},
		{"{}", 4, NULL, CHECK_NOTE, "no stop grace period is set",
			"Swarm's defaults"},
		{SPEC("", GRACE, ""), 4, "{}", CHECK_NOTE, "there is no health check",
			"a task counts as soon as it runs"},
		{SPEC("", GRACE, ""), 4, "{" HEALTHY "}", CHECK_NOTE, NULL,
			"the image's own"},
		{SPEC("", GRACE ",\"Healthcheck\":{\"Test\":[\"NONE\"]}", ""), 4,
			"{" HEALTHY "}", CHECK_NOTE, "there is no health check",
			"taken away from it"},
		{SPEC(FIRST, GRACE, ""), 4, "{}", CHECK_MAY_FAIL,
			"there is no health check: an update stops the old task",
			"start-first without one"},
		{SPEC(FIRST, GRACE, ""), 1, "{" HEALTHY "}", CHECK_NOTE, NULL,
			"one replica, start-first"},
		{SPEC("", GRACE, ""), 1, NULL, CHECK_MAY_FAIL,
			"an update stops its only task", "one replica"},
		{SPEC("\"Parallelism\":0", GRACE, ""), 3, NULL, CHECK_MAY_FAIL,
			"an update stops all 3 tasks at once", "all at once"},
		{SPEC("\"Parallelism\":3", GRACE, ""), 3, NULL, CHECK_MAY_FAIL,
			"an update stops all 3 tasks at once", "as many as there are"},
		{SPEC("\"Parallelism\":2", GRACE, ""), 3, NULL, CHECK_NOTE, NULL,
			"one stays"},
		{SPEC("", GRACE, "\"Condition\":\"on-failure\""), 3, NULL, CHECK_NOTE,
			"restart condition on-failure: a task that ends by itself with "
			"exit code 0",
			"it stays away"},
		{SPEC("", GRACE, "\"Condition\":\"none\""), 3, NULL, CHECK_NOTE,
			"restart condition none: a task that ends by itself stays",
			"whatever its code"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(json_free)
		cJSON *spec = json_parse(rows[i].spec, strlen(rows[i].spec));
		SCOPED(json_free)
		cJSON *container = rows[i].container
			? json_parse(rows[i].container, strlen(rows[i].container))
			: NULL;
		struct check check = {.known = true};

		assert_non_null(spec);
		check_service_find(&check,
			&(struct check_service_input){
				.name = "shop",
				.spec = spec,
				.replicas = rows[i].replicas,
				.container = container});
		if (check_level(&check) != rows[i].level ||
			(check.count > 0) != (rows[i].text != NULL) ||
			(rows[i].text &&
				strncmp(check.findings[0].text, rows[i].text,
					strlen(rows[i].text)) != 0))
			fail_msg("%s: %s: %s", rows[i].why,
				check_level_names[check_level(&check)],
				check.count ? check.findings[0].text : "nothing");
	}
}

/* Once is an accident; and what Swarm has no words for is told as well. */
static void tasks_that_end_again_and_again_are_told(void **state UNUSED)
{
	static const struct {
		unsigned failures;
		const char *failure, *text;
	} rows[] = {
		{1, "task: non-zero exit (1)", NULL},
		{4, "task: non-zero exit (1)",
			"shop.1 has ended by itself 4 times (\"task: non-zero exit (1)\") and"},
		{2, NULL, "shop.1 has ended by itself 2 times and is started again"},
	};
	SCOPED(json_free) cJSON *spec = cJSON_Parse(SPEC("", GRACE, ""));

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct check check = {.known = true};

		check_service_find(&check,
			&(struct check_service_input){.name = "shop",
				.spec = spec,
				.replicas = 4,
				.failing = "shop.1",
				.failure = rows[i].failure,
				.failures = rows[i].failures});
		assert_int_equal(check.count, rows[i].text ? 1 : 0);
		if (!rows[i].text)
			continue;
		assert_int_equal(check_level(&check), CHECK_MAY_FAIL);
		assert_non_null(strstr(check.findings[0].text, rows[i].text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(service_is_checked_by_its_settings),
		cmocka_unit_test(tasks_that_end_again_and_again_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
