/*
 * The stop of very many sessions: its time, and the processor time and the memory of each
 * program that takes part, over N.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/suite.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/descendants.h"
#include "lib/fd_limit.h"
#include "lib/mem.h"
#include "lib/proc_file.h"

#define D_NS       CLOCK_S
#define LOOK_NS    (100 * CLOCK_MS) /* between two looks at the programs */
#define FEW        1000             /* sessions of which several rounds are made */
#define FEW_ROUNDS 3
#define MOST       10000 /* the number that has the targets */

/* Numbers of sessions that reach the agent API by one version of HTTP. */
struct crowd {
	const char *http;
	unsigned sessions[8]; /* ends with 0 */
	/* Connections of a session, its stream and its archive; 0: many share one. */
	unsigned descriptors;
	bool has_targets;
};

/* What one program took in a case, as it was seen last. */
struct taken {
	const char *program; /* its name, as the kernel has it */
	int64_t cpu_ns;      /* user and system */
	double kib;          /* at its most */
};

struct watched {
	struct taken service, mock_agent;
	struct buf text; /* of a file in /proc */
};

/* What the rounds of one N showed. All but the first are for each session. */
struct scale_point {
	struct samples stop;   /* x D */
	struct samples opened; /* a second */
	struct samples service_us, mock_agent_us, harness_us;
	struct samples service_kib, mock_agent_kib;
};

/* Fields 14 and 15 of /proc/PID/stat, behind a name that may contain anything. */
static int64_t cpu_of(const char *stat)
{
	const char *at = strrchr(stat, ')');
	unsigned long long user = 0, system = 0;

	if (at)
		sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			&user, &system);
	return (int64_t)(user + system) * (CLOCK_S / sysconf(_SC_CLK_TCK));
}

static void look_at(struct watched *watched, struct taken *taken, pid_t pid)
{
	const char *name, *peak;

	if (!proc_file_read(&watched->text, pid, "status"))
		return;
	name = proc_file_value(buf_text(&watched->text), "Name");
	peak = proc_file_value(buf_text(&watched->text), "VmHWM");
	if (!name || !peak || strcspn(name, "\n") != strlen(taken->program) ||
		strncmp(name, taken->program, strlen(taken->program)) != 0)
		return;
	taken->kib = strtod(peak, NULL);
	if (proc_file_read(&watched->text, pid, "stat"))
		taken->cpu_ns = cpu_of(buf_text(&watched->text));
}

static void on_step(void *arg, const struct case_step *step UNUSED)
{
	struct watched *watched = arg;
	struct descendants below = {0};

	descendants_read(&below, getpid(), NULL, NULL);
	for (size_t i = 0; i < below.count; i++) {
		look_at(watched, &watched->service, below.all[i].pid);
		look_at(watched, &watched->mock_agent, below.all[i].pid);
	}
	descendants_done(&below);
}

static int64_t cpu_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * CLOCK_S +
		(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * (CLOCK_MS / 1000);
}

static bool read_crowd(struct scenario *scenario, const struct crowd *crowd,
	unsigned sessions, struct err *err)
{
	return rig_scenario(scenario, err,
		"{\"name\": \"%u sessions\","
		" \"service\": {\"env\": {\"DISCONNECT\": \"parallel\","
		" \"AGENT_HTTP\": \"%s\"}},"
		" \"agent\": {\"disconnect\": {\"latency\": \"1s\"}},"
		" \"load\": {\"sessions\": %u},"
		" \"stop\": {\"grace\": \"1m\"}}",
		sessions, crowd->http, sessions);
}

/* The service has ended before the last look: it has what the children took that is not
 * mock-agent's. */
static void add_costs(struct scale_point *point, const struct watched *watched,
	unsigned sessions, int64_t children_ns, int64_t harness_ns)
{
	double unit = (double)sessions * 1e3;
	int64_t mock_agent_ns = watched->mock_agent.cpu_ns;

	samples_add(&point->service_us, (double)(children_ns - mock_agent_ns) / unit);
	samples_add(&point->mock_agent_us, (double)mock_agent_ns / unit);
	samples_add(&point->harness_us, (double)harness_ns / unit);
	samples_add(&point->service_kib, watched->service.kib / sessions);
	samples_add(&point->mock_agent_kib, watched->mock_agent.kib / sessions);
}

static bool measure(struct rig *rig, const struct scenario *scenario, unsigned sessions,
	struct scale_point *point, struct err *err)
{
	SCOPED(seen_done) struct seen seen = {0};
	struct watched watched = {
		.service.program = "service", .mock_agent.program = "mock-agent"};
	int64_t children_ns = cpu_ns(RUSAGE_CHILDREN), self_ns = cpu_ns(RUSAGE_SELF);
	bool ok;

	rig->step = on_step;
	rig->step_every_ns = LOOK_NS;
	rig->step_arg = &watched;
	ok = rig_case(rig, rig->process, scenario, &seen, err);
	rig->step = NULL;
	buf_done(&watched.text);
	if (!ok)
		return false;
	samples_add(&point->stop, (double)seen.judgement.stop_ns / (double)D_NS);
	samples_add(&point->opened,
		sessions * (double)CLOCK_S /
			(double)(seen.evidence.loaded_ns - seen.evidence.ready_ns));
	add_costs(point, &watched, sessions, cpu_ns(RUSAGE_CHILDREN) - children_ns,
		cpu_ns(RUSAGE_SELF) - self_ns);
	return true;
}

static bool measure_rounds(struct rig *rig, const struct crowd *crowd,
	unsigned sessions, struct scale_point *point, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};

	if (!read_crowd(&scenario, crowd, sessions, err))
		return false;
	for (unsigned i = 0; i < (sessions <= FEW ? FEW_ROUNDS : 1); i++) {
		if (!measure(rig, &scenario, sessions, point, err))
			return false;
	}
	return true;
}

static void print_target(struct printout *printout, const char *what,
	const struct samples *samples, const char *unit, double at_most,
	double at_least)
{
	printout_row(printout,
		&(struct printout_row){what, samples, .unit = unit, .digits = 0,
			.at_most = at_most, .at_least = at_least});
}

static void print_point(struct printout *printout, const struct crowd *crowd,
	unsigned sessions, const struct scale_point *point)
{
	SCOPED(mem_free) char *what =
		mem_textf("HTTP/%s, %u sessions", crowd->http, sessions);
	SCOPED(mem_free) char *note = mem_textf("%.0f %.0f %.0f us, %.0f %.0f KiB",
		samples_median(&point->service_us),
		samples_median(&point->mock_agent_us),
		samples_median(&point->harness_us), samples_median(&point->service_kib),
		samples_median(&point->mock_agent_kib));
	const double bound = sessions == FEW ? 1.05 : sessions == MOST ? 1.2 : 0;

	printout_row(printout,
		&(struct printout_row){what, &point->stop, .unit = "x D", .digits = 3,
			.at_most = crowd->has_targets ? bound : 0, .note = note});
	if (sessions != MOST)
		return;
	print_target(printout, "      opened", &point->opened, "/s", 0,
		crowd->has_targets ? 2000 : 0);
	if (!crowd->has_targets)
		return;
	print_target(printout, "      service", &point->service_kib, "KiB/N", 16, 0);
	print_target(
		printout, "      mock-agent", &point->mock_agent_kib, "KiB/N", 16, 0);
}

static bool measure_crowd(struct rig *rig, struct printout *printout,
	const struct crowd *crowd, struct err *err)
{
	const unsigned limit = fd_limit_raise(err);

	for (const unsigned *sessions = crowd->sessions; *sessions; sessions++) {
		struct scale_point point = {0};

		if (limit < *sessions * crowd->descriptors) {
			SCOPED(mem_free) char *what = mem_textf(
				"HTTP/%s, %u sessions", crowd->http, *sessions);

			printout_skip(what, "the limit of open files is too low");
			continue;
		}
		if (!measure_rounds(rig, crowd, *sessions, &point, err))
			return false;
		print_point(printout, crowd, *sessions, &point);
	}
	return true;
}

bool suite_scale(struct rig *rig, struct printout *printout, struct err *err)
{
	static const struct crowd shared = {
		.http = "2",
		.sessions = {1, 10, 100, FEW, 3000, MOST},
		.has_targets = true,
	};
	static const struct crowd single = {
		.http = "1.1",
		.sessions = {1, FEW, MOST},
		.descriptors = 2,
	};

	printout_head("scale: the stop of very many sessions / D",
		"D = 1s, all at once, over HTTP/2 and HTTP/1.1 to the agent API. Behind it, for each\n"
		"session: the processor time of service, mock-agent and harness from their start to\n"
		"their end, and the memory of service and mock-agent at their most. Three rounds up\n"
		"to 1,000 sessions, one above.");
	return measure_crowd(rig, printout, &shared, err) &&
		measure_crowd(rig, printout, &single, err);
}
