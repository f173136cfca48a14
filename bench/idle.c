/*
 * The stop that has nothing to do, beside that of a program that has only the same
 * libraries to let go.
 */
#include <stdio.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define PAIRS      20
#define TIMES_BARE 5.0

static bool stop_once(struct rig *rig, const struct scenario *scenario,
	struct samples *samples, struct err *err)
{
	SCOPED(seen_done) struct seen seen = {0};
	bool ok = rig_case(rig, rig->process, scenario, &seen, err);

	if (ok)
		samples_add(samples, (double)seen.judgement.stop_ns / (double)CLOCK_MS);
	return ok;
}

bool suite_idle(struct rig *rig, struct printout *printout, struct err *err)
{
	SCOPED(scenario_done) struct scenario service = {0}, bare = {0};
	struct samples service_ms = {0}, bare_ms = {0};
	struct printout_row row;

	printout_head("idle: the stop without any session / that of a bare program",
		"The bare program has a listening libmicrohttpd, a curl multi handle, an SQLite\n"
		"database in memory and a libuv loop, and lets go of them on SIGTERM: the least\n"
		"that these libraries cost. Pairs on the process engine, medians.");
	if (!rig_scenario(&service, err,
		    "{\"name\": \"idle service\", \"stop\": {\"grace\": \"10s\"}}") ||
		!rig_scenario(&bare, err,
			"{\"name\": \"bare program\","
			" \"service\": {\"command\": [\"%s/bare\"], \"mocks\": false,"
			"  \"ready\": {\"log\": \"ready\"}},"
			" \"stop\": {\"grace\": \"10s\"}}",
			rig->here))
		return false;
	for (unsigned i = 0; i < PAIRS; i++) {
		if (!stop_once(rig, &service, &service_ms, err) ||
			!stop_once(rig, &bare, &bare_ms, err))
			return false;
	}
	row = printout_row_of("the service's stop", &service_ms, "ms", 2);
	printout_row(printout, &row);
	row = printout_row_of("the bare program's stop", &bare_ms, "ms", 2);
	printout_row(printout, &row);
	printout_row(printout,
		&(struct printout_row){
			.what = "service / bare",
			.figure =
				samples_median(&service_ms) / samples_median(&bare_ms),
			.spec = "x",
			.digits = 2,
			.at_most = TIMES_BARE,
		});
	return true;
}
