/*
 * What the harness itself takes of a case with very many sessions: it shares the
 * machine with what it measures.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/suite.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define SESSIONS    10000
#define DESCRIPTORS 20000 /* service and mock have two of each session */
#define MEMORY_MIB  100.0

struct usage {
	int64_t begun_ns, loaded_ns, ended_ns; /* processor time of the harness */
};

static void on_step(void *arg, const struct case_step *step)
{
	struct usage *usage = arg;

	if (strcmp(step->what, "stopping") == 0)
		usage->loaded_ns = rig_cpu_ns(RUSAGE_SELF);
}

/* From here on the kernel counts the peak anew. */
static void reset_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "5", 1) < 0) {
		/* then it is that of the whole benchmark */
	}
	if (fd >= 0)
		close(fd);
}

static double peak_mib(void)
{
	SCOPED(buf_done) struct buf status = {0};
	const char *kib = proc_file_read(&status, getpid(), "status")
		? proc_file_value(buf_text(&status), "VmHWM")
		: NULL;

	return kib ? (double)strtoll(kib, NULL, 10) / 1024 : 0;
}

static void print_one(
	struct printout *printout, double value, const struct printout_row *row)
{
	struct samples samples = {0};
	struct printout_row one = *row;

	samples_add(&samples, value);
	one.samples = &samples;
	printout_row(printout, &one);
}

static void print_case(
	struct printout *printout, const struct usage *usage, int64_t others_ns)
{
	int64_t own_ns = usage->ended_ns - usage->begun_ns;

	print_one(printout, peak_mib(),
		&(struct printout_row){"memory at its most", .unit = "MiB", .digits = 1,
			.at_most = MEMORY_MIB});
	print_one(printout,
		(double)(usage->loaded_ns - usage->begun_ns) / CLOCK_MS / SESSIONS,
		&(struct printout_row){"processor time until they are open",
			.unit = "ms/N", .digits = 3});
	print_one(printout,
		(double)(usage->ended_ns - usage->loaded_ns) / CLOCK_MS / SESSIONS,
		&(struct printout_row){"processor time of the stop and after it",
			.unit = "ms/N", .digits = 3});
	print_one(printout, 100.0 * (double)own_ns / (double)(own_ns + others_ns),
		&(struct printout_row){
			"of the processor time of all", .unit = "%", .digits = 1});
}

static bool measure(struct rig *rig, struct printout *printout, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};
	SCOPED(seen_done) struct seen seen = {0};
	struct usage usage = {0};
	int64_t others_ns;
	bool ok;

	if (!rig_scenario(&scenario, err,
		    "{\"name\": \"%d sessions\","
		    " \"service\": {\"env\": {\"DISCONNECT\": \"parallel\"}},"
		    " \"agent\": {\"disconnect\": {\"latency\": \"1s\"}},"
		    " \"load\": {\"sessions\": %d},"
		    " \"stop\": {\"grace\": \"1m\"}}",
		    SESSIONS, SESSIONS))
		return false;
	rig->step = on_step;
	rig->step_every_ns = 0;
	rig->step_arg = &usage;
	reset_peak();
	others_ns = rig_cpu_ns(RUSAGE_CHILDREN);
	usage.begun_ns = rig_cpu_ns(RUSAGE_SELF);
	ok = rig_case(rig, rig->process, &scenario, &seen, err);
	rig->step = NULL;
	if (!ok)
		return false;
	usage.ended_ns = rig_cpu_ns(RUSAGE_SELF);
	others_ns = rig_cpu_ns(RUSAGE_CHILDREN) - others_ns;
	print_case(printout, &usage, others_ns);
	return true;
}

bool suite_harness(struct rig *rig, struct printout *printout, struct err *err)
{
	unsigned limit = fd_limit_raise(err);

	printout_head("harness: what it takes of a case with 10,000 sessions",
		"One case, D = 1s, all at once. The harness opens the sessions and keeps what\n"
		"service and mock-agent write, on the processors that these have.");
	if (limit >= DESCRIPTORS)
		return measure(rig, printout, err);
	printout_skip("10000 sessions", "the limit of open files is too low");
	return true;
}
