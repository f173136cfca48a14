/*
 * The stop of many sessions, beside the one disconnect that nobody can do without.
 */
#include <stdio.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define ROUNDS 3

/* Sessions that all take D to be let go, and how their stop is to compare with D. */
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

	/* One by one they need N x D, which no grace here comes near. */
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

	for (unsigned round = 0; ok && round < crowd->rounds; round++) {
		SCOPED(seen_done) struct seen seen = {0};

		ok = rig_case(rig, rig->process, &scenario, &seen, err);
		if (ok)
			samples_add(
				samples, (double)seen.judgement.stop_ns / (double)d_ns);
	}
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
		"D is what the agent API takes to let one session go: no stop can be shorter.\n"
		"All disconnect at once; the process engine, median of the rounds.");
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct session_crowd *crowd = &rows[i].crowd;
		SCOPED(mem_free) char *what = mem_textf("%u sessions%s, D = %s",
			crowd->sessions,
			crowd->servers ? " with two MCP servers each" : "", crowd->d);
		struct samples samples = {0};
		struct printout_row row;

		if (!stop_crowd(rig, crowd, &samples, err))
			return false;
		row = printout_row_of(what, &samples, "x D", 3);
		row.at_most = rows[i].at_most;
		row.note = rows[i].note;
		printout_row(printout, &row);
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
			struct printout_row row;

			if (!stop_crowd(rig, &crowd, &samples, err))
				return false;
			row = printout_row_of(what, &samples, "x D", 2);
			printout_row(printout, &row);
		}
	}
	return true;
}
