/*
 * The stop without sessions, beside that of a program that only closes the same
 * libraries.
 */
#include <stdio.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define PAIRS      20
#define TIMES_BARE 1.2

bool suite_idle(struct rig *rig, struct printout *printout, struct err *err)
{
	SCOPED(scenario_done) struct scenario service = {0}, bare = {0};
	struct samples service_ms = {0}, bare_ms = {0};

	printout_head("idle: the stop without any session / that of a bare program",
		"The bare program has a listening libmicrohttpd, a curl multi handle, an SQLite\n"
		"database in memory and a libuv loop, and closes them on SIGTERM: the least that\n"
		"these libraries cost. Pairs on the process engine, medians.");
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
		if (!rig_sample(rig, rig->process, &service, RIG_STOP, CLOCK_MS,
			    &service_ms, err) ||
			!rig_sample(rig, rig->process, &bare, RIG_STOP, CLOCK_MS,
				&bare_ms, err))
			return false;
	}
	printout_row(printout,
		&(struct printout_row){
			"the service's stop", &service_ms, .unit = "ms", .digits = 2});
	printout_row(printout,
		&(struct printout_row){"the bare program's stop", &bare_ms,
			.unit = "ms", .digits = 2});
	printout_row(printout,
		&(struct printout_row){"service / bare", &service_ms, &bare_ms, "x", 2,
			.at_most = TIMES_BARE});
	return true;
}
