#include "harness/scenario/limit.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/latency.h"
#include "mock-agent/faults/behavior.h"
#include "mock-mcp/behavior.h"

struct limit {
	int64_t ns;
	bool unknown; /* a latency without a longest draw */
};

static void take_ns(struct limit *limit, int64_t ns)
{
	limit->unknown = limit->unknown || ns < 0;
	limit->ns = ns > limit->ns ? ns : limit->ns;
}

static void take_phases(
	struct limit *limit, const struct session_behavior *behavior, bool turns)
{
	static const struct {
		enum phase phase;
		bool of_turns;
	} phases[] = {
		{PHASE_ARCHIVE, false},
		{PHASE_DELETE, false},
		{PHASE_HOLD, false},
		{PHASE_INTERRUPT, true},
		{PHASE_STATUS_LAG, true},
	};

	for (size_t i = 0; i < COUNT(phases); i++) {
		if (turns || !phases[i].of_turns)
			take_ns(limit,
				latency_longest(
					&behavior->phase[phases[i].phase].latency));
	}
}

/* N sessions of R a second: the last one ends after N / R. */
static void take_rate(struct limit *limit, const struct rate_limit_behavior *rate,
	const struct scenario *scenario)
{
	int64_t per_second = rate->per_second[RATE_LIMITED_DISCONNECTS];

	if (per_second > 0)
		take_ns(limit, scenario->load.sessions * CLOCK_S / per_second);
}

static void take_agent(struct limit *limit, const struct scenario *scenario)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct agent_behavior behavior = {0};
	bool turns = scenario->load.turns > 0;
	const char *text = scenario->agent_json;
	struct err err;

	agent_behavior_preset(&behavior);
	if (text && json_doc_parse(&doc, "agent", text, strlen(text), &err) &&
		agent_behavior_read(&behavior, &doc, doc.root, &err)) {
		take_phases(limit, &behavior.all, turns);
		take_rate(limit, &behavior.rate_limit, scenario);
		for (unsigned i = 0; i < behavior.rule_count; i++)
			take_phases(limit, &behavior.rules[i].behavior, turns);
	}
	if (turns)
		take_ns(limit, scenario->load.turn_ns);
	agent_behavior_done(&behavior);
}

static void take_reaction(struct limit *limit, const struct reaction *reaction)
{
	if (reaction->kind == REACTION_EXIT)
		take_ns(limit, latency_longest(&reaction->after));
}

static void take_server(struct limit *limit, const char *text)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct mcp_behavior behavior = {0};
	struct err err;

	mcp_behavior_preset(&behavior);
	if (json_doc_parse(&doc, "mcp", text, strlen(text), &err) &&
		mcp_behavior_read(&behavior, &doc, doc.root, &err)) {
		take_reaction(limit, &behavior.on_eof);
		take_reaction(limit, &behavior.on_term);
	}
	mcp_behavior_done(&behavior);
}

int64_t limit_ns(const struct scenario *scenario)
{
	/* Our service has sessions only where the load opens them. */
	bool sessions = scenario->load.sessions > 0 || !scenario_is_ours(scenario);
	struct limit limit = {0};

	if (!sessions)
		return -1;
	if (scenario_has_mocks(scenario))
		take_agent(&limit, scenario);
	for (unsigned i = 0; i < scenario->mcp.count; i++)
		take_server(&limit, scenario->mcp.server[i].json);
	return limit.unknown || limit.ns == 0 ? -1 : limit.ns;
}
