/*
 * The stop of very many sessions: its time, the processors' and the memory of all that
 * takes part, over N.
 */
#include <sys/resource.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/mem.h"

#define D_NS CLOCK_S

/* Service and mock have two connections of each session: its stream and its archive. */
#define DESCRIPTORS_OF_ONE 2

/* What one case showed. */
struct scale_point {
	struct samples stop;   /* x D */
	struct samples cpu;    /* ms for each session, of service and mock-agent */
	struct samples memory; /* KiB for each session, of the larger of the two */
};

static bool read_crowd(struct scenario *scenario, unsigned sessions, struct err *err)
{
	return rig_scenario(scenario, err,
		"{\"name\": \"%u sessions\","
		" \"service\": {\"env\": {\"DISCONNECT\": \"parallel\"}},"
		" \"agent\": {\"disconnect\": {\"latency\": \"1s\"}},"
		" \"load\": {\"sessions\": %u},"
		" \"stop\": {\"grace\": \"1m\"}}",
		sessions, sessions);
}

static double cpu_ms(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
		(double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

/* The memory is that of the largest child so far: N has to grow. */
static bool measure(
	struct rig *rig, unsigned sessions, struct scale_point *point, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};
	struct rusage before, after;

	getrusage(RUSAGE_CHILDREN, &before);
	if (!read_crowd(&scenario, sessions, err) ||
		!rig_sample(rig, rig->process, &scenario, RIG_STOP, D_NS, &point->stop,
			err))
		return false;
	getrusage(RUSAGE_CHILDREN, &after);
	samples_add(&point->cpu, (cpu_ms(&after) - cpu_ms(&before)) / sessions);
	samples_add(&point->memory, (double)after.ru_maxrss / sessions);
	return true;
}

static void print_point(
	struct printout *printout, unsigned sessions, const struct scale_point *point)
{
	SCOPED(mem_free) char *stop = mem_textf("%5u sessions", sessions);
	SCOPED(mem_free) char *cpu =
		mem_textf("%5u sessions: processor time", sessions);
	SCOPED(mem_free) char *memory = mem_textf("%5u sessions: memory", sessions);

	printout_row(printout,
		&(struct printout_row){stop, &point->stop, .unit = "x D", .digits = 2,
			.at_most = sessions <= 1000 ? 1.05 : 1.2});
	printout_row(printout,
		&(struct printout_row){cpu, &point->cpu, .unit = "ms/N", .digits = 2});
	printout_row(printout,
		&(struct printout_row){
			memory, &point->memory, .unit = "KiB/N", .digits = 1});
}

bool suite_scale(struct rig *rig, struct printout *printout, struct err *err)
{
	static const unsigned counts[] = {1000, 3000, 10000};
	unsigned limit = fd_limit_raise(err);

	printout_head("scale: the stop of very many sessions / D",
		"D = 1s, all at once, one round of each N. Processor time: service and mock-agent,\n"
		"from their start to their end, for each session. Memory: of the larger of the two\n"
		"at its most, for each session.");
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct scale_point point = {0};

		if (limit < counts[i] * DESCRIPTORS_OF_ONE) {
			SCOPED(mem_free) char *what =
				mem_textf("%5u sessions", counts[i]);

			printout_skip(what, "the limit of open files is too low");
			continue;
		}
		if (!measure(rig, counts[i], &point, err))
			return false;
		print_point(printout, counts[i], &point);
	}
	return true;
}
