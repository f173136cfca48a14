#include "harness/campaign/rerun.h"

#include <stdlib.h>

#include "harness/judge/judge.h"
#include "harness/run/case.h"
#include "lib/json.h"
#include "lib/mem.h"

cJSON *rerun_changed(const cJSON *scenario, const char *path, cJSON *value)
{
	cJSON *json = json_copy_exact(scenario);
	struct err err;

	if (json_put_at(json, path, value, &err))
		return json;
	cJSON_Delete(json);
	return NULL;
}

struct rerun *rerun_create(const char *path, const cJSON *json)
{
	struct json_doc doc = {.name = (char *)(size_t)path};
	struct rerun *rerun = mem_zeroed(sizeof *rerun);
	struct err err = {0};

	rerun->json = json_copy_exact(json);
	if (!scenario_read(
		    &rerun->scenario, &doc, rerun->json, fields_keep_first, &err)) {
		cJSON_Delete(rerun->json);
		free(rerun);
		return NULL;
	}
	if (scenario_check(
		    &rerun->scenario, &doc, rerun->json, fields_keep_first, &err))
		return rerun;
	rerun_destroy(rerun);
	return NULL;
}

void rerun_destroy(struct rerun *rerun)
{
	if (!rerun)
		return;
	evidence_done(&rerun->evidence);
	scenario_done(&rerun->scenario);
	cJSON_Delete(rerun->json);
	free(rerun);
}

struct told {
	const struct case_options *options;
	const char *how;
};

static void on_step(void *arg, const struct case_step *step)
{
	const struct told *told = arg;
	SCOPED(mem_free) char *what = mem_textf("%s: %s", told->how, step->what);
	struct case_step whole = *step;

	whole.what = what;
	told->options->step(told->options->arg, &whole);
}

bool rerun_run(struct rerun *rerun, const struct case_options *options, const char *how)
{
	struct case_options own = *options;
	struct told told = {options, how};

	own.arg = &told;
	own.step = options->step ? on_step : NULL;
	case_finish(case_run(&own, &rerun->scenario, &rerun->evidence), false);
	if (rerun->evidence.trouble == TROUBLE_INTERRUPTED)
		return false;
	judge(&rerun->judgement, &rerun->scenario, &rerun->evidence);
	return true;
}

bool rerun_has_stopped(const struct rerun *rerun)
{
	return rerun->judgement.could_run && rerun->evidence.trouble == TROUBLE_NONE;
}
