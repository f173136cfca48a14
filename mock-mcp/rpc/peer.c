#include "mock-mcp/rpc/peer.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/mem.h"
#include "mock-mcp/rpc/call.h"
#include "mock-mcp/rpc/question.h"

struct peer *peer_create(uv_loop_t *loop, const struct peer_options *options)
{
	struct peer *peer = mem_zeroed(sizeof *peer);

	peer->loop = loop;
	peer->options = *options;
	DL_APPEND(options->peers->first, peer);
	return peer;
}

void peer_destroy(struct peer *peer)
{
	if (!peer)
		return;
	while (peer->calls)
		call_drop(peer->calls);
	DL_DELETE(peer->options.peers->first, peer);
	strlist_done(&peer->subscriptions);
	free(peer);
}

struct call *peer_find(const struct peer *peer, const char *id)
{
	struct call *call = peer->calls;

	while (call && strcmp(call->id, id) != 0)
		call = call->next;
	return call;
}

void peer_initialized(struct peer *peer)
{
	if (!peer->initialized)
		log_event("mcp.initialized", LOG_IDENTITY(&peer->options.identity));
	peer->initialized = true;
}

void peer_notify(struct peer *peer, const char *method, cJSON *params)
{
	SCOPED(mem_free) char *message = jsonrpc_notification(method, params);

	peer->options.transport->notify(peer->options.arg, NULL, message);
}

void peer_on_reply(struct peer *peer, const struct jsonrpc_message *reply)
{
	struct question *question;

	DL_FOREACH(peer->questions, question) {
		SCOPED(mem_free) char *id = mem_textf("%lld", (long long)question->id);

		if (reply->id && !strcmp(id, reply->id)) {
			question_settle(question, reply->node);
			return;
		}
	}
}

struct answer_group *answer_group_begin(struct peer *peer, void *origin, bool batch)
{
	struct answer_group *group = mem_zeroed(sizeof *group);

	*group = (struct answer_group){
		.peer = peer, .origin = origin, .open = 1, .batch = batch};
	return group;
}

static void send_answer(const struct answer_group *group, const char *message, int code)
{
	const struct peer_options *options = &group->peer->options;

	options->transport->answer(options->arg, group->origin, message, code);
}

static void leave(struct answer_group *group)
{
	const struct peer_options *options = &group->peer->options;
	struct buf *answers = &group->answers;

	if (--group->open > 0)
		return;
	if (answers->len > 0 && !answers->full && buf_add(answers, "]", 1))
		send_answer(group, buf_text(answers), 0);
	if (group->owed && options->transport->finish)
		options->transport->finish(options->arg, group->origin);
	buf_done(answers);
	free(group);
}

void answer_group_end(struct answer_group *group)
{
	leave(group);
}

void answer_group_owe(struct answer_group *group)
{
	group->open++;
	group->owed = true;
}

void answer_group_pay(struct answer_group *group, char *answer, int code)
{
	if (answer && group->batch) {
		buf_adds(&group->answers, group->answers.len > 0 ? "," : "[");
		buf_adds(&group->answers, answer);
	} else if (answer) {
		send_answer(group, answer, code);
	}
	free(answer);
	leave(group);
}

void answer_group_drop(struct answer_group *group)
{
	if (--group->open > 0)
		return;
	buf_done(&group->answers);
	free(group);
}
