/*
 * The stop that has nothing to do, beside that of a program that has only the same
 * libraries to let go.
 */
#include <stdio.h>

#include "bench/part.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define PAIRS      20
#define TIMES_BARE 5.0

static bool stop_once(struct lab *lab, const struct scenario *scenario,
	struct samples *samples, struct err *err)
{
	SCOPED(seen_done) struct seen seen = {0};
	bool ok = lab_case(lab, lab->process, scenario, &seen, err);

	if (ok)
		samples_add(samples, (double)seen.judgement.stop_ns / (double)CLOCK_MS);
	return ok;
}

bool part_idle(struct lab *lab, struct paper *paper, struct err *err)
{
	SCOPED(scenario_done) struct scenario service = {0}, bare = {0};
	struct samples service_ms = {0}, bare_ms = {0};
	struct row row;

	paper_head("idle: the stop without any session / that of a bare program",
		"The bare program has a listening libmicrohttpd, a curl multi handle, an SQLite\n"
		"database in memory and a libuv loop, and lets go of them on SIGTERM: the least\n"
		"that these libraries cost. Pairs on the process engine, medians.");
	if (!lab_scenario(&service, err,
		    "{\"name\": \"idle service\", \"stop\": {\"grace\": \"10s\"}}") ||
		!lab_scenario(&bare, err,
			"{\"name\": \"bare program\","
			" \"service\": {\"command\": [\"%s/bare\"], \"no_mocks\": true,"
			"  \"ready\": {\"log\": \"ready\"}},"
			" \"stop\": {\"grace\": \"10s\"}}",
			lab->here))
		return false;
	for (unsigned i = 0; i < PAIRS; i++) {
		if (!stop_once(lab, &service, &service_ms, err) ||
			!stop_once(lab, &bare, &bare_ms, err))
			return false;
	}
	row = row_of("the service's stop", &service_ms, "ms", 2);
	paper_row(paper, &row);
	row = row_of("the bare program's stop", &bare_ms, "ms", 2);
	paper_row(paper, &row);
	paper_row(paper,
		&(struct row){
			.what = "service / bare",
			.figure =
				samples_median(&service_ms) / samples_median(&bare_ms),
			.unit = "x",
			.digits = 2,
			.at_most = TIMES_BARE,
		});
	return true;
}
