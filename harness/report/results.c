#include "harness/report/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/version.h"

/* Of the rounds of one case, the gravest. */
enum outcome {
	OUTCOME_MET,
	OUTCOME_NOT_RUN,
	OUTCOME_UNMET,
	OUTCOMES,
};

struct results {
	cJSON *json;
	cJSON *cases; /* in json */
	int64_t began_ns;
	enum outcome outcome;      /* of the last round's case */
	unsigned counts[OUTCOMES]; /* the last case included */
	unsigned rounds;
	unsigned passed_over;
};

/* --- the run --- */

static cJSON *host_json(void)
{
	cJSON *json = cJSON_CreateObject();
	struct utsname host;
	struct sysinfo info;
	double load[3];
	int averages = getloadavg(load, COUNT(load));

	if (uname(&host) == 0) {
		cJSON_AddStringToObject(json, "kernel", host.release);
		cJSON_AddStringToObject(json, "machine", host.machine);
	}
	json_add_int(json, "cpus", get_nprocs());
	if (sysinfo(&info) == 0)
		json_add_int(json, "memory_bytes",
			(int64_t)info.totalram * (int64_t)info.mem_unit);
	cJSON_AddItemToObject(json, "load",
		cJSON_CreateDoubleArray(load, averages < 0 ? 0 : averages));
	return json;
}

static void summarise(struct results *results)
{
	const unsigned *counts = results->counts;
	cJSON *summary = cJSON_CreateObject();

	json_add_int(summary, "cases",
		counts[OUTCOME_MET] + counts[OUTCOME_UNMET] + counts[OUTCOME_NOT_RUN]);
	json_add_int(summary, "rounds", results->rounds);
	json_add_int(summary, "met", counts[OUTCOME_MET]);
	json_add_int(summary, "unmet", counts[OUTCOME_UNMET]);
	json_add_int(summary, "not_run", counts[OUTCOME_NOT_RUN]);
	json_add_int(summary, "passed_over", results->passed_over);
	cJSON_AddNumberToObject(summary, "seconds",
		(double)((clock_now() - results->began_ns) / CLOCK_MS) / 1000);
	cJSON_DeleteItemFromObjectCaseSensitive(results->json, "summary");
	cJSON_AddItemToObject(results->json, "summary", summary);
}

/* As text: a seed is a name, and needs more digits than a double has. */
static void add_seed(cJSON *json, uint64_t seed)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
	cJSON_AddStringToObject(json, "seed", text);
}

struct results *results_create(cJSON *fingerprint, uint64_t seed)
{
	struct results *results = mem_zeroed(sizeof *results);
	char now[CLOCK_WALL_SIZE];

	results->began_ns = clock_now();
	results->json = cJSON_CreateObject();
	clock_wall(now);
	cJSON_AddStringToObject(results->json, "stopbench", STOPBENCH_VERSION);
	cJSON_AddStringToObject(results->json, "started", now);
	cJSON_AddItemToObject(results->json, "host", host_json());
	cJSON_AddItemToObject(results->json, "engine", fingerprint);
	add_seed(results->json, seed);
	results->cases = cJSON_AddArrayToObject(results->json, "cases");
	summarise(results);
	return results;
}

void results_destroy(struct results *results)
{
	if (!results)
		return;
	cJSON_Delete(results->json);
	free(results);
}

/* --- its rounds --- */

static enum outcome outcome_of(const cJSON *round)
{
	if (!json_bool(round, "could_run", false))
		return OUTCOME_NOT_RUN;
	return json_bool(round, "met", false) ? OUTCOME_MET : OUTCOME_UNMET;
}

static bool is_of_case(const cJSON *round, const cJSON *other)
{
	return cJSON_Compare(json_get(round, "id"), json_get(other, "id"), true) &&
		cJSON_Compare(json_get(round, "half"), json_get(other, "half"), true) &&
		cJSON_Compare(json_get(round, "axes"), json_get(other, "axes"), true);
}

static void tally(struct results *results, const cJSON *last, const cJSON *round)
{
	enum outcome outcome = outcome_of(round);

	results->rounds++;
	if (last && is_of_case(last, round)) {
		results->counts[results->outcome]--;
		outcome = outcome > results->outcome ? outcome : results->outcome;
	}
	results->outcome = outcome;
	results->counts[outcome]++;
}

void results_add(struct results *results, cJSON *round)
{
	const cJSON *first = results->cases->child;

	/* cJSON keeps the last item as the one before the first. */
	tally(results, first ? first->prev : NULL, round);
	cJSON_AddItemToArray(results->cases, round);
	summarise(results);
}

void results_pass_over(struct results *results)
{
	results->passed_over++;
	summarise(results);
}

unsigned results_met(const struct results *results)
{
	return results->counts[OUTCOME_MET];
}

unsigned results_unmet(const struct results *results)
{
	return results->counts[OUTCOME_UNMET];
}

unsigned results_not_run(const struct results *results)
{
	return results->counts[OUTCOME_NOT_RUN];
}

const cJSON *results_json(const struct results *results)
{
	return results->json;
}

void results_print(FILE *out, const cJSON *results)
{
	SCOPED(mem_free) char *text = json_print_inert(results, true);

	fprintf(out, "%s\n", text);
}

bool results_write(const struct results *results, const char *path, struct err *err)
{
	SCOPED(mem_free) char *text = json_print_inert(results->json, true);
	SCOPED(mem_free) char *young = mem_textf("%s.new", path);
	SCOPED(buf_done) struct buf bytes = {.ceiling = SIZE_MAX};

	buf_adds(&bytes, text);
	buf_adds(&bytes, "\n");
	if (!fs_write_file(young, bytes.data, bytes.len, err))
		return false;
	return rename(young, path) == 0 || err_sys(err, "%s", path);
}
