/*
 * The stop of many sessions, beside one disconnect, which no stop can be shorter than.
 */
#include <stdio.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define ROUNDS 3

/* Sessions whose disconnects take D each. */
struct session_crowd {
	unsigned sessions;
	unsigned servers; /* MCP servers of each */
	const char *d;    /* "500ms" */
	const char *disconnect;
	unsigned rounds;
};

static bool read_crowd(
	struct scenario *scenario, const struct session_crowd *crowd, struct err *err)
{
	static const char *const servers[] = {
		"",
		"{\"name\": \"skills\"}",
		"{\"name\": \"skills\"}, {\"name\": \"financial\"}",
	};

	/* The grace is longer than N x D, the stop one by one. */
	return rig_scenario(scenario, err,
		"{\"name\": \"%u sessions, %s\","
		" \"service\": {\"env\": {\"DISCONNECT\": \"%s\"}},"
		" \"agent\": {\"disconnect\": {\"latency\": \"%s\"}},"
		" \"mcp\": [%s],"
		" \"load\": {\"sessions\": %u},"
		" \"stop\": {\"grace\": \"1m\"}}",
		crowd->sessions, crowd->disconnect, crowd->disconnect, crowd->d,
		servers[crowd->servers], crowd->sessions);
}

/* Adds stop / D of each round. */
static bool stop_crowd(struct rig *rig, const struct session_crowd *crowd,
	struct samples *samples, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};
	int64_t d_ns;
	bool ok =
		clock_parse(&d_ns, crowd->d, err) && read_crowd(&scenario, crowd, err);

	for (unsigned round = 0; ok && round < crowd->rounds; round++)
		ok = rig_sample(
			rig, rig->process, &scenario, RIG_STOP, d_ns, samples, err);
	return ok;
}

bool suite_parallel(struct rig *rig, struct printout *printout, struct err *err)
{
	static const struct {
		struct session_crowd crowd;
		double at_most;
		const char *note;
	} rows[] = {
		{{20, 2, "500ms", "parallel", ROUNDS}, 1.10, NULL},
		{{200, 0, "1s", "parallel", ROUNDS}, 1.10, NULL},
		{{1000, 0, "1s", "parallel", ROUNDS}, 0, "(hoped for: 1.06 to 1.09)"},
		{{1000, 0, "5s", "parallel", 1}, 1.10, NULL},
	};

	printout_head("parallel: the stop of many sessions / D",
		"D is what the agent API takes to disconnect one session: no stop can be shorter.\n"
		"All disconnect at once; the process engine, median of the rounds.");
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct session_crowd *crowd = &rows[i].crowd;
		SCOPED(mem_free) char *what = mem_textf("%u sessions%s, D = %s",
			crowd->sessions,
			crowd->servers ? " with two MCP servers each" : "", crowd->d);
		struct samples samples = {0};

		if (!stop_crowd(rig, crowd, &samples, err))
			return false;
		printout_row(printout,
			&(struct printout_row){what, &samples, .unit = "x D",
				.digits = 3, .at_most = rows[i].at_most,
				.note = rows[i].note});
	}
	return true;
}

bool suite_curve(struct rig *rig, struct printout *printout, struct err *err)
{
	static const unsigned counts[] = {1, 3, 10, 30};
	static const char *const ways[] = {"sequential", "parallel"};

	printout_head("curve: the stop of N sessions / D",
		"D = 100ms; one by one the stop is N x D and more, at once it stays flat.\n"
		"The process engine, median of the rounds.");
	for (size_t i = 0; i < COUNT(counts); i++) {
		for (size_t way = 0; way < COUNT(ways); way++) {
			const struct session_crowd crowd = {
				counts[i], 0, "100ms", ways[way], ROUNDS};
			SCOPED(mem_free) char *what = mem_textf("%2u session%s, %s",
				counts[i], counts[i] == 1 ? "" : "s", ways[way]);
			struct samples samples = {0};

			if (!stop_crowd(rig, &crowd, &samples, err))
				return false;
			printout_row(printout,
				&(struct printout_row){
					what, &samples, .unit = "x D", .digits = 2});
		}
	}
	return true;
}
