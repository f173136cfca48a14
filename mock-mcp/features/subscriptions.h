/*
 * subscriptions - who is told when resources, tools or prompts change.
 *
 * Up to 2025-11-25 a client subscribes to resources with resources/subscribe and hears
 * of changed lists without asking. Since 2026-07-28 subscriptions/listen is one request
 * that lasts, with a filter.
 */
#ifndef MOCK_MCP_FEATURES_SUBSCRIPTIONS_H
#define MOCK_MCP_FEATURES_SUBSCRIPTIONS_H

#include "mock-mcp/rpc/call.h"

/* The methods. */
void subscriptions_add(struct call *call, const cJSON *params);
void subscriptions_remove(struct call *call, const cJSON *params);
void subscriptions_listen(struct call *call, const cJSON *params);

enum subscription_list {
	SUBSCRIPTION_TOOLS,
	SUBSCRIPTION_PROMPTS,
	SUBSCRIPTION_RESOURCES,
};

/* Tell those who want to know. */
void subscriptions_list_changed(struct peers *peers, enum subscription_list list);
void subscriptions_updated(struct peers *peers, const char *uri);

/* Answers the listeners of a peer, as a server does before it exits. */
void subscriptions_end(struct peer *peer);

#endif
