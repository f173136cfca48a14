/*
 * The stop of very many MCP servers that do not end by themselves: the ladder (stdin closed,
 * SIGTERM, SIGKILL, each to all of them at once), and whether stopbench saw all of it.
 */
#include <signal.h>

#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/mem.h"

#define SERVERS_PER_SESSION   2
#define DESCRIPTORS_OF_SERVER 4       /* three pipes, and a share of its session's */
#define LADDER_NS             CLOCK_S /* of a server that ignores EOF and SIGTERM */
#define ROUNDS                3

static bool read_servers(struct scenario *scenario, unsigned servers, struct err *err)
{
	return rig_scenario(scenario, err,
		"{\"name\": \"%u MCP servers\","
		" \"service\": {\"env\": {\"MCP_START\": \"session\","
		"   \"MCP_EOF\": \"500ms\", \"MCP_TERM\": \"500ms\"}},"
		" \"mcp\": [{\"name\": \"skills\", \"on_eof\": \"ignore\"},"
		"   {\"name\": \"financial\", \"on_eof\": \"ignore\", \"on_term\": \"ignore\"}],"
		" \"load\": {\"sessions\": %u},"
		" \"stop\": {\"grace\": \"20s\", \"within\": \"2m\"}}",
		servers, servers / SERVERS_PER_SESSION);
}

/* A signal to each server, and SIGKILL to every second one; and each one's end. */
static bool is_complete(
	const struct evidence *evidence, unsigned servers, struct err *err)
{
	unsigned terms = 0, kills = 0, ends = 0;

	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		terms += signal->what == PROC_SIGNAL_SENT && signal->signal == SIGTERM;
		kills += signal->what == PROC_SIGNAL_SENT && signal->signal == SIGKILL;
	}
	for (unsigned i = 0; i < evidence->descendant_count; i++)
		ends += evidence->descendants[i].ended_ns > PROC_ENDED_BEFORE;
	if (evidence->events_dropped || evidence->lifelines_dropped)
		return err_set(err, "%u servers: the ledger was full", servers);
	if (!evidence->descendants_known || ends < servers)
		return err_set(
			err, "the ends of %u of %u servers were seen", ends, servers);
	if (!evidence->signals_known || terms < servers || kills < servers / 2)
		return err_set(err,
			"%u servers: SIGTERM to %u and SIGKILL to %u were seen",
			servers, terms, kills);
	return true;
}

static bool measure(struct rig *rig, struct engine *engine, unsigned servers,
	struct samples *stop, struct samples *opening, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};

	if (!read_servers(&scenario, servers, err))
		return false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		SCOPED(seen_done) struct seen seen = {0};
		const struct evidence *evidence = &seen.evidence;

		if (!rig_case(rig, engine, &scenario, &seen, err) ||
			!is_complete(evidence, servers, err))
			return false;
		samples_add(stop, (double)seen.judgement.stop_ns / LADDER_NS);
		samples_add(opening,
			(double)(evidence->loaded_ns - evidence->ready_ns) /
				(double)CLOCK_MS / servers);
	}
	return true;
}

static bool measure_counts(struct rig *rig, struct engine *engine, const char *name,
	unsigned limit, struct printout *printout, struct err *err)
{
	static const unsigned counts[] = {20, 200, 2000};

	for (size_t i = 0; i < COUNT(counts); i++) {
		SCOPED(mem_free)
		char *what = mem_textf("%s, %u servers", name, counts[i]);
		SCOPED(mem_free) char *start = mem_textf("%s: a start", what);
		struct samples stop = {0}, opening = {0};

		if (limit < counts[i] * DESCRIPTORS_OF_SERVER) {
			printout_skip(what, "the limit of open files is too low");
			continue;
		}
		if (!measure(rig, engine, counts[i], &stop, &opening, err))
			return false;
		printout_row(printout,
			&(struct printout_row){
				what, &stop, .unit = "x", .digits = 2, .at_most = 1.5});
		printout_row(printout,
			&(struct printout_row){
				start, &opening, .unit = "ms", .digits = 2});
	}
	return true;
}

bool suite_ladder(struct rig *rig, struct printout *printout, struct err *err)
{
	unsigned limit = fd_limit_raise(err);

	printout_head("ladder: the stop of many MCP servers / the ladder of one",
		"Two servers of each session ignore the end of their stdin, one SIGTERM too: 0.5 s\n"
		"until SIGTERM, 0.5 s more until SIGKILL. stopbench saw every signal and every end,\n"
		"or the part fails. A start: until the server has answered, its session included.");
	if (!measure_counts(rig, rig->process, "process", limit, printout, err))
		return false;
	if (rig->docker)
		return measure_counts(rig, rig->docker, "docker", limit, printout, err);
	printout_skip("docker", rig->no_docker);
	return true;
}
