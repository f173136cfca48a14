#include "harness/check/check_service.h"

#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static void find_grace(struct check *check, const struct check_service_input *input)
{
	SCOPED(mem_free)
	char *cure =
		mem_textf("Say it: `docker service update --stop-grace-period 30s %s`.",
			input->name);
	struct buf text = {0};

	if (json_at(input->spec, "TaskTemplate.ContainerSpec.StopGracePeriod"))
		return;
	buf_adds(&text, "no stop grace period is set: Swarm's default, 10 s");
	check_add(check, CHECK_NOTE, DIAGNOSIS_ANY, cure, &text);
}

static bool is_start_first(const struct check_service_input *input)
{
	const char *order = json_text(json_get(input->spec, "UpdateConfig"), "Order");

	return order && strcmp(order, "start-first") == 0;
}

/* An update that stops what it has not replaced yet. */
static void find_gap(struct check *check, const struct check_service_input *input)
{
	int64_t at_once =
		json_int(json_get(input->spec, "UpdateConfig"), "Parallelism", 1);
	SCOPED(mem_free)
	char *cure = mem_textf(
		"`docker service update --update-order start-first %s`, or more replicas than "
		"are replaced at once.",
		input->name);
	struct buf text = {0};

	if (is_start_first(input) || input->replicas == 0 ||
		(at_once > 0 && at_once < input->replicas))
		return;
	if (input->replicas == 1)
		buf_adds(&text,
			"an update stops its only task before the new one starts (stop-first): "
			"nothing serves meanwhile");
	else
		buf_addf(&text,
			"an update stops all %u tasks at once (stop-first, parallelism %lld): "
			"nothing serves meanwhile",
			input->replicas, (long long)at_once);
	check_add(check, CHECK_MAY_FAIL, DIAGNOSIS_ANY, cure, &text);
}

/* The service's own, or the image's, which its containers show. */
static bool has_health_check(const struct check_service_input *input)
{
	const cJSON *own =
		json_at(input->spec, "TaskTemplate.ContainerSpec.Healthcheck.Test.0");
	const cJSON *test = own ? own : json_at(input->container, "Healthcheck.Test.0");

	return cJSON_IsString(test) && strcmp(test->valuestring, "NONE") != 0 &&
		test->valuestring[0];
}

static void find_health(struct check *check, const struct check_service_input *input)
{
	SCOPED(mem_free)
	char *cure = mem_textf(
		"A HEALTHCHECK in the Dockerfile, or `docker service update --health-cmd "
		"COMMAND %s`.",
		input->name);
	bool first = is_start_first(input);
	struct buf text = {0};

	if (has_health_check(input) || !input->container)
		return;
	buf_addf(&text,
		"there is no health check: %s as soon as the new task's process runs, ready "
		"or not",
		first ? "an update stops the old task" : "an update goes on");
	check_add(
		check, first ? CHECK_MAY_FAIL : CHECK_NOTE, DIAGNOSIS_ANY, cure, &text);
}

static void find_restart(struct check *check, const struct check_service_input *input)
{
	const char *condition = json_text(
		json_at(input->spec, "TaskTemplate.RestartPolicy"), "Condition");
	SCOPED(mem_free)
	char *cure = mem_textf(
		"`docker service update --restart-condition any %s`.", input->name);
	struct buf text = {0};

	if (!condition || strcmp(condition, "any") == 0)
		return;
	buf_addf(&text, "restart condition %s: a task that ends by itself%s stays away",
		condition,
		strcmp(condition, "on-failure") == 0 ? " with exit code 0" : "");
	check_add(check, CHECK_NOTE, DIAGNOSIS_ANY, cure, &text);
}

/* One end may have been an accident. */
static void find_failing(struct check *check, const struct check_service_input *input)
{
	SCOPED(mem_free)
	char *cure = mem_textf(
		"`docker service ps --no-trunc %s` has each end. Let an update that fails go "
		"back: `docker service update --update-failure-action rollback %s`.",
		input->name, input->name);
	struct buf text = {0};

	if (!input->failing || input->failures < 2)
		return;
	buf_addf(&text,
		"%s has ended by itself %u times%s%.200s%s and is started again and again: an "
		"update, too, may get no task that stays",
		input->failing, input->failures, input->failure ? " (\"" : "",
		input->failure ? input->failure : "", input->failure ? "\")" : "");
	check_add(check, CHECK_MAY_FAIL, DIAGNOSIS_ANY, cure, &text);
}

void check_service_find(struct check *check, const struct check_service_input *input)
{
	find_failing(check, input);
	find_gap(check, input);
	find_health(check, input);
	find_grace(check, input);
	find_restart(check, input);
}
