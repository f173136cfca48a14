#include "harness/format/trace.h"

#include <stdlib.h>
#include <string.h>

#include "harness/results/case_rounds.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/version.h"

struct trace {
	cJSON *events;
	int64_t offset_ns; /* of the stop signals: no time is negative */
	unsigned process;  /* from 1 */
	unsigned flows;    /* so far: their ids */
};

/* Takes name; the event is the trace's. */
static cJSON *add_event(struct trace *trace, const char *phase, unsigned lane,
	const char *name, int64_t ns)
{
	cJSON *event = json_fill(NULL, "{'ph': %s, 'pid': %u, 'tid': %u}", phase,
		trace->process, lane + 1);

	json_add_text(event, "name", name);
	cJSON_AddNumberToObject(event, "ts", (double)(ns + trace->offset_ns) / 1000);
	cJSON_AddItemToArray(trace->events, event);
	return event;
}

static void add_metadata(
	struct trace *trace, const char *what, unsigned lane, const char *name)
{
	cJSON *event = add_event(trace, "M", lane, what, -trace->offset_ns);

	json_add_text(cJSON_AddObjectToObject(event, "args"), "name", name);
}

static void add_order(
	struct trace *trace, const char *what, unsigned lane, unsigned place)
{
	cJSON *event = add_event(trace, "M", lane, what, -trace->offset_ns);

	json_add_int(cJSON_AddObjectToObject(event, "args"), "sort_index", place);
}

static void add_span(struct trace *trace, unsigned lane, const cJSON *span)
{
	int64_t from_ns = json_int(span, "from_ns", 0);
	int64_t to_ns = json_int(span, "to_ns", 0);
	const char *kind = json_text(span, "kind");
	cJSON *event = add_event(trace, "X", lane, kind, from_ns);

	cJSON_AddNumberToObject(event, "dur", (double)(to_ns - from_ns) / 1000);
	cJSON_AddStringToObject(event, "cat", "span");
	if (json_bool(span, "open", false))
		cJSON_AddBoolToObject(
			cJSON_AddObjectToObject(event, "args"), "end_not_seen", true);
}

static void add_mark(struct trace *trace, unsigned lane, const cJSON *mark)
{
	cJSON *event = add_event(
		trace, "i", lane, json_text(mark, "what"), json_int(mark, "at_ns", 0));

	cJSON_AddStringToObject(event, "cat", "mark");
	cJSON_AddStringToObject(event, "s", "t");
}

static void add_lane(struct trace *trace, unsigned lane, const cJSON *json)
{
	const cJSON *item;

	add_metadata(trace, "thread_name", lane, json_text(json, "name"));
	add_order(trace, "thread_sort_index", lane, lane);
	cJSON_ArrayForEach(item, json_get(json, "spans"))
		add_span(trace, lane, item);
	cJSON_ArrayForEach(item, json_get(json, "marks"))
		add_mark(trace, lane, item);
}

/* An arrow is bound to the span around its end; spans do not include their own end. */
static int64_t inside_ns(const cJSON *lane, int64_t ns)
{
	const cJSON *span;

	cJSON_ArrayForEach(span, json_get(lane, "spans")) {
		if (json_int(span, "from_ns", 0) <= ns &&
			ns < json_int(span, "to_ns", 0))
			return ns;
	}
	return ns - 1;
}

static void add_flow_end(struct trace *trace, const cJSON *flow, const cJSON *lanes,
	const char *phase, const char *lane_key, const char *time_key)
{
	unsigned lane = (unsigned)json_int(flow, lane_key, 0);
	const cJSON *json = cJSON_GetArrayItem(lanes, (int)lane);
	cJSON *event = add_event(trace, phase, lane, json_text(flow, "kind"),
		inside_ns(json, json_int(flow, time_key, 0)));

	cJSON_AddStringToObject(event, "cat", "flow");
	json_add_int(event, "id", trace->flows);
	if (strcmp(phase, "f") == 0)
		cJSON_AddStringToObject(event, "bp", "e");
}

static void add_round(struct trace *trace, const cJSON *round)
{
	const cJSON *lanes = json_at(round, "picture.lanes"), *item;
	SCOPED(mem_free) char *title = case_rounds_title(round);
	int64_t grace_ns = json_int(round, "grace_ns", 0);
	unsigned lane = 0;

	if (cJSON_GetArraySize(lanes) == 0)
		return;
	trace->process++;
	add_metadata(trace, "process_name", 0, title);
	add_order(trace, "process_sort_index", 0, trace->process);
	cJSON_ArrayForEach(item, lanes)
		add_lane(trace, lane++, item);
	cJSON_ArrayForEach(item, json_at(round, "picture.flows")) {
		trace->flows++;
		add_flow_end(trace, item, lanes, "s", "from", "from_ns");
		add_flow_end(trace, item, lanes, "f", "to", "to_ns");
	}
	if (grace_ns > 0) {
		cJSON *event = add_event(trace, "i", 0, "the grace is over", grace_ns);

		cJSON_AddStringToObject(event, "cat", "mark");
		cJSON_AddStringToObject(event, "s", "p");
	}
}

/* How long before its signal the earliest lane of all begins. */
static int64_t offset_of(const cJSON *results)
{
	const cJSON *round, *lane;
	int64_t offset_ns = 0;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		cJSON_ArrayForEach(lane, json_at(round, "picture.lanes")) {
			int64_t from_ns = json_int(lane, "from_ns", 0);

			offset_ns = -from_ns > offset_ns ? -from_ns : offset_ns;
		}
	}
	return offset_ns;
}

void trace_print(FILE *out, const cJSON *results)
{
	struct trace trace = {.offset_ns = offset_of(results)};
	SCOPED(json_free) cJSON *json =
		json_fill(NULL, "{'displayTimeUnit': %s}", "ms");
	SCOPED(mem_free) char *text = NULL;
	const cJSON *round;

	trace.events = cJSON_AddArrayToObject(json, "traceEvents");
	cJSON_ArrayForEach(round, json_get(results, "cases"))
		add_round(&trace, round);
	cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "otherData"), "stopbench",
		STOPBENCH_VERSION);
	text = json_print_inert(json, false);
	fprintf(out, "%s\n", text);
}
