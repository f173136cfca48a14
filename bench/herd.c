/*
 * A thousand sessions that end at once: under an agent API that limits their rate, and with
 * a replacement to which their clients turn.
 */
#include "bench/suite.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define SESSIONS   1000
#define LATENCY_NS CLOCK_S /* of one disconnect */
#define ROUNDS     3

static bool measure_limit(
	struct rig *rig, unsigned rate, struct printout *printout, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};
	SCOPED(mem_free) char *what = mem_textf("%u a second", rate);
	int64_t least_ns = SESSIONS * CLOCK_S / rate;
	struct samples stop = {0};

	if (least_ns < LATENCY_NS)
		least_ns = LATENCY_NS;
	if (!rig_scenario(&scenario, err,
		    "{\"name\": \"%s\", \"load\": {\"sessions\": %d},"
		    " \"agent\": {\"disconnect\": {\"latency\": \"1s\"},"
		    "   \"rate_limit\": {\"disconnects\": %u}},"
		    " \"stop\": {\"grace\": \"1m\"}}",
		    what, SESSIONS, rate))
		return false;
	for (unsigned i = 0; i < ROUNDS; i++)
		if (!rig_sample(rig, rig->process, &scenario, RIG_STOP, least_ns, &stop,
			    err))
			return false;
	printout_row(printout,
		&(struct printout_row){
			what, &stop, .unit = "x", .digits = 2, .at_most = 1.1});
	return true;
}

static void print_jitter(struct printout *printout, int64_t jitter_s, const char *what,
	const struct samples *samples, const char *unit)
{
	SCOPED(mem_free)
	char *text = mem_textf("jitter %llds: %s", (long long)jitter_s, what);

	printout_row(printout,
		&(struct printout_row){
			text, samples, .unit = unit, .digits = unit[0] == 's' ? 2 : 0});
}

static bool measure_jitter(
	struct rig *rig, int64_t jitter_s, struct printout *printout, struct err *err)
{
	SCOPED(scenario_done) struct scenario scenario = {0};
	struct samples stop = {0}, closes = {0}, opens = {0};

	if (!rig_scenario(&scenario, err,
		    "{\"name\": \"a jitter of %llds\","
		    " \"service\": {\"env\": {\"DRAIN_JITTER\": \"%llds\"}},"
		    " \"load\": {\"sessions\": %d, \"replacement\": true},"
		    " \"agent\": {\"disconnect\": {\"latency\": \"100ms\"}},"
		    " \"stop\": {\"grace\": \"1m\"}}",
		    (long long)jitter_s, (long long)jitter_s, SESSIONS))
		return false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		SCOPED(seen_done) struct seen seen = {0};
		const struct herd *herd = &seen.judgement.herd;

		if (!rig_case(rig, rig->process, &scenario, &seen, err))
			return false;
		samples_add(&stop, (double)seen.judgement.stop_ns / CLOCK_S);
		samples_add(&closes, herd->closes_per_second);
		samples_add(&opens, herd->opens_per_second);
	}
	print_jitter(printout, jitter_s, "the stop", &stop, "s");
	print_jitter(printout, jitter_s, "ended in one second", &closes, "/ s");
	print_jitter(printout, jitter_s, "opened again in one second", &opens, "/ s");
	return true;
}

bool suite_herd(struct rig *rig, struct printout *printout, struct err *err)
{
	static const unsigned rates[] = {500, 200, 100};
	static const int64_t jitters_s[] = {0, 1, 2, 4};

	printout_head("herd: 1,000 sessions that end at once",
		"An agent API that ends R sessions a second, and answers 429 above that, D = 1s:\n"
		"the stop / max(D, N / R). Then a replacement at which their clients open them\n"
		"again, D = 100ms, with a drain jitter: what it spreads, and what it costs.");
	for (size_t i = 0; i < COUNT(rates); i++)
		if (!measure_limit(rig, rates[i], printout, err))
			return false;
	for (size_t i = 0; i < COUNT(jitters_s); i++)
		if (!measure_jitter(rig, jitters_s[i], printout, err))
			return false;
	return true;
}
