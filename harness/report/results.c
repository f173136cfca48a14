#include "harness/report/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "harness/report/case_rounds.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/version.h"

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

	cJSON_DeleteItemFromObjectCaseSensitive(results->json, "summary");
	json_fill(cJSON_AddObjectToObject(results->json, "summary"),
		"{'cases': %u, 'rounds': %u, 'met': %u, 'unmet': %u, 'not_run': %u, "
		"'passed_over': %u, 'seconds': %g}",
		counts[OUTCOME_MET] + counts[OUTCOME_UNMET] + counts[OUTCOME_NOT_RUN],
		results->rounds, counts[OUTCOME_MET], counts[OUTCOME_UNMET],
		counts[OUTCOME_NOT_RUN], results->passed_over,
		(double)((clock_now() - results->began_ns) / CLOCK_MS) / 1000);
}

struct results *results_create(cJSON *fingerprint, uint64_t seed)
{
	struct results *results = mem_zeroed(sizeof *results);
	char now[CLOCK_WALL_SIZE];
	char name[24]; /* a seed is a name: a double has too few digits */

	results->began_ns = clock_now();
	clock_wall(now);
	snprintf(name, sizeof name, "%llu", (unsigned long long)seed);
	results->json = json_fill(NULL,
		"{'stopbench': %s, 'schema': %u, 'started': %s, 'seed': %s}",
		STOPBENCH_VERSION, RESULTS_SCHEMA, now, name);
	cJSON_AddItemToObject(results->json, "host", host_json());
	cJSON_AddItemToObject(results->json, "engine", fingerprint);
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

static void tally(struct results *results, const cJSON *last, const cJSON *round)
{
	enum outcome outcome = outcome_of(round);

	results->rounds++;
	if (last && case_rounds_is_same(last, round)) {
		results->counts[results->outcome]--;
		outcome = outcome > results->outcome ? outcome : results->outcome;
	}
	results->outcome = outcome;
	results->counts[outcome]++;
}

bool results_are_counted(const cJSON *results, const char **wrong, unsigned *counted)
{
	struct results tallied = {0};
	const unsigned *counts = tallied.counts;
	const cJSON *round, *last = NULL;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		tally(&tallied, last, round);
		last = round;
	}
	const struct {
		const char *name;
		unsigned count;
	} members[] = {
		{"cases",
			counts[OUTCOME_MET] + counts[OUTCOME_UNMET] +
				counts[OUTCOME_NOT_RUN]},
		{"rounds", tallied.rounds},
		{"met", counts[OUTCOME_MET]},
		{"unmet", counts[OUTCOME_UNMET]},
		{"not_run", counts[OUTCOME_NOT_RUN]},
	};
	for (size_t i = 0; i < COUNT(members); i++) {
		*wrong = members[i].name;
		*counted = members[i].count;
		if (json_int(json_get(results, "summary"), *wrong, -1) != *counted)
			return false;
	}
	return true;
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

void results_print(FILE *out, const cJSON *results)
{
	SCOPED(mem_free) char *text = json_print_inert(results, true);

	fprintf(out, "%s\n", text);
}

bool results_write(const struct results *results, const char *path, struct err *err)
{
	SCOPED(mem_free) char *text = json_print_inert(results->json, true);
	SCOPED(mem_free) char *line = mem_textf("%s\n", text);

	return fs_replace_file(path, line, strlen(line), err);
}
