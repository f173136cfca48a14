#include "harness/picture/lanes.h"
#include "lib/json.h"
#include "lib/json_fill.h"

const char *const lane_kind_names[LANE_KINDS + 1] = {
	[LANE_ENGINE] = "engine",
	[LANE_PROCESS] = "process",
	[LANE_SESSION] = "session",
	[LANE_REQUEST] = "request",
};

const char *const span_kind_names[SPAN_KINDS + 1] = {
	[SPAN_CALL] = "call",
	[SPAN_RUNS] = "runs",
	[SPAN_EOF] = "eof",
	[SPAN_SIGNAL] = "signal",
	[SPAN_HANDLER] = "handler",
	[SPAN_DISCARDED] = "discarded",
	[SPAN_KILL] = "kill",
	[SPAN_DRAIN] = "drain",
	[SPAN_DISCONNECT_PHASE] = "disconnect-phase",
	[SPAN_FLUSH] = "flush",
	[SPAN_OPEN] = "open",
	[SPAN_TURN] = "turn",
	[SPAN_DISCONNECT] = "disconnect",
	[SPAN_CLOSING] = "closing",
	[SPAN_REQUEST] = "request",
};

const char *const span_kind_texts[SPAN_KINDS] = {
	[SPAN_CALL] = "the engine's stop call",
	[SPAN_RUNS] = "running, not asked to end",
	[SPAN_EOF] = "its stdin has ended",
	[SPAN_SIGNAL] = "it was sent the signal",
	[SPAN_HANDLER] = "its handler has begun",
	[SPAN_DISCARDED] = "the signal was discarded",
	[SPAN_KILL] = "SIGKILL",
	[SPAN_DRAIN] = "drain",
	[SPAN_DISCONNECT_PHASE] = "disconnect phase",
	[SPAN_FLUSH] = "flush and end",
	[SPAN_OPEN] = "session open",
	[SPAN_TURN] = "turn in flight",
	[SPAN_DISCONNECT] = "disconnect",
	[SPAN_CLOSING] = "released, not yet closed",
	[SPAN_REQUEST] = "request in flight",
};

const char *const flow_kind_names[FLOW_KINDS + 1] = {
	[FLOW_SIGNAL] = "signal",
	[FLOW_DISCONNECT] = "disconnect",
	[FLOW_EOF] = "eof",
};

static cJSON *lane_json(const struct lane *lane)
{
	cJSON *json = json_fill(NULL, "{'kind': %s}", lane_kind_names[lane->kind]);
	cJSON *spans, *marks;

	json_add_text(json, "name", lane->name);
	json_add_text(json, "group", lane->group);
	json_add_int(json, "from_ns", lane->from_ns);
	json_add_int(json, "to_ns", lane->to_ns);
	spans = cJSON_AddArrayToObject(json, "spans");
	for (unsigned i = 0; i < lane->span_count; i++) {
		const struct lane_span *span = &lane->spans[i];
		cJSON *item =
			json_fill(NULL, "{'kind': %s}", span_kind_names[span->kind]);

		json_add_int(item, "from_ns", span->from_ns);
		json_add_int(item, "to_ns", span->to_ns);
		if (span->open)
			cJSON_AddBoolToObject(item, "open", true);
		cJSON_AddItemToArray(spans, item);
	}
	marks = cJSON_AddArrayToObject(json, "marks");
	for (unsigned i = 0; i < lane->mark_count; i++) {
		cJSON *item = cJSON_CreateObject();

		json_add_text(item, "what", lane->marks[i].what);
		json_add_int(item, "at_ns", lane->marks[i].at_ns);
		cJSON_AddItemToArray(marks, item);
	}
	return json;
}

cJSON *lanes_json(const struct lanes *lanes)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(json, "lanes");
	cJSON *flows = cJSON_AddArrayToObject(json, "flows");

	for (unsigned i = 0; i < lanes->count; i++)
		cJSON_AddItemToArray(list, lane_json(&lanes->list[i]));
	for (unsigned i = 0; i < lanes->flow_count; i++) {
		const struct lane_flow *flow = &lanes->flows[i];
		cJSON *item = json_fill(NULL, "{'kind': %s, 'from': %u, 'to': %u}",
			flow_kind_names[flow->kind], flow->from, flow->to);

		json_add_int(item, "from_ns", flow->from_ns);
		json_add_int(item, "to_ns", flow->to_ns);
		cJSON_AddItemToArray(flows, item);
	}
	json_add_int(json, "left_out", lanes->left_out);
	return json;
}
