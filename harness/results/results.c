#include "harness/results/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "harness/results/case_rounds.h"
#include "harness/results/case_statistics.h"
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

void results_add(struct results *results, cJSON *round)
{
	cJSON_AddItemToArray(results->cases, round);
}

void results_pass_over(struct results *results)
{
	results->passed_over++;
}

static enum outcome case_outcome(const struct case_rounds *item)
{
	enum outcome outcome = OUTCOME_MET;

	for (unsigned i = 0; i < item->count; i++) {
		enum outcome other = case_rounds_outcome(item->rounds[i]);

		outcome = other > outcome ? other : outcome;
	}
	return outcome;
}

static void count_cases(unsigned counts[OUTCOMES], const struct case_list *list)
{
	memset(counts, 0, sizeof *counts * OUTCOMES);
	for (unsigned i = 0; i < list->count; i++)
		counts[case_outcome(&list->item[i])]++;
}

bool results_are_counted(const cJSON *results, const char **wrong, unsigned *counted)
{
	SCOPED(case_list_done) struct case_list list = {0};
	unsigned counts[OUTCOMES];

	case_list_fill(&list, results);
	count_cases(counts, &list);
	const struct {
		const char *name;
		unsigned count;
	} members[] = {
		{"cases", list.count},
		{"rounds", (unsigned)cJSON_GetArraySize(json_get(results, "cases"))},
		{"met", counts[OUTCOME_MET]},
		{"known_failures", counts[OUTCOME_KNOWN]},
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

static void add_statistics(struct results *results, const struct case_list *list)
{
	cJSON *statistics;

	cJSON_DeleteItemFromObjectCaseSensitive(results->json, "statistics");
	statistics = cJSON_AddArrayToObject(results->json, "statistics");
	for (unsigned i = 0; i < list->count; i++) {
		cJSON *item = case_statistics_json(&list->item[i]);

		if (item)
			cJSON_AddItemToArray(statistics, item);
	}
}

/* The rounds of each case together, the cases in the order of their first rounds. */
static void order(struct results *results, const struct case_list *list)
{
	cJSON *ordered = cJSON_CreateArray();

	for (unsigned i = 0; i < list->count; i++) {
		for (unsigned j = 0; j < list->item[i].count; j++)
			cJSON_AddItemToArray(ordered,
				cJSON_DetachItemViaPointer(results->cases,
					(cJSON *)(void *)(size_t)list->item[i]
						.rounds[j]));
	}
	cJSON_ReplaceItemInObjectCaseSensitive(results->json, "cases", ordered);
	results->cases = ordered;
}

void results_summarise(struct results *results)
{
	SCOPED(case_list_done) struct case_list list = {0};
	const unsigned *counts = results->counts;

	case_list_fill(&list, results->json);
	count_cases(results->counts, &list);
	order(results, &list);
	add_statistics(results, &list);
	cJSON_DeleteItemFromObjectCaseSensitive(results->json, "summary");
	json_fill(cJSON_AddObjectToObject(results->json, "summary"),
		"{'cases': %u, 'rounds': %u, 'met': %u, 'known_failures': %u, 'unmet': %u, "
		"'not_run': %u, 'passed_over': %u, 'seconds': %g}",
		list.count, (unsigned)cJSON_GetArraySize(results->cases),
		counts[OUTCOME_MET], counts[OUTCOME_KNOWN], counts[OUTCOME_UNMET],
		counts[OUTCOME_NOT_RUN], results->passed_over,
		(double)((clock_now() - results->began_ns) / CLOCK_MS) / 1000);
}

void results_pair(struct results *results, const char *title, const char *pairing)
{
	if (title)
		json_add_text(results->json, "title", title);
	json_add_text(results->json, "pairing", pairing);
}

static void add_regressions(cJSON *round, const cJSON *differences)
{
	const cJSON *difference;
	cJSON *texts = NULL;

	cJSON_ArrayForEach(difference, differences) {
		if (!json_bool(difference, "regression", false))
			continue;
		if (!texts)
			texts = cJSON_AddArrayToObject(round, "regressions");
		cJSON_AddItemToArray(
			texts, cJSON_CreateString(json_text(difference, "text")));
	}
}

/* Every round of a case that is worse than BASE's says how. */
static void mark_regressions(struct results *results)
{
	const cJSON *cases = json_at(results->json, "comparison.cases"), *item;
	SCOPED(case_list_done) struct case_list list = {0};
	cJSON *round;

	cJSON_ArrayForEach(round, results->cases)
		cJSON_DeleteItemFromObjectCaseSensitive(round, "regressions");
	case_list_fill(&list, results->json);
	cJSON_ArrayForEach(item, cases) {
		const struct case_rounds *found = case_list_find(
			&list, &(struct case_rounds){(const cJSON *[]){item}, 1});

		for (unsigned i = 0; found && i < found->count; i++)
			add_regressions((cJSON *)(void *)(size_t)found->rounds[i],
				json_get(item, "differences"));
	}
}

void results_compare(struct results *results, cJSON *comparison)
{
	cJSON_DeleteItemFromObjectCaseSensitive(results->json, "comparison");
	cJSON_AddItemToObject(results->json, "comparison", comparison);
	mark_regressions(results);
	results_summarise(results);
}

void results_know(struct results *results, const struct known_failures *known)
{
	known_failures_mark(known, results->cases);
	results_summarise(results);
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
