/*
 * cli_message - the lines of the CLI's stream-json protocol, in both directions.
 *
 *   > {"type":"control_request","request_id":"1","request":{"subtype":"initialize"}}
 *   < {"type":"control_response","response":{"subtype":"success","request_id":"1",...}}
 *   > {"type":"user","message":{"role":"user","content":"hello"},...}
 *   < {"type":"system","subtype":"init",...}
 *   < {"type":"assistant","message":{...},...}
 *   < {"type":"result","subtype":"success","is_error":false,"result":"...",...}
 *   > {"type":"control_request","request_id":"2","request":{"subtype":"interrupt"}}
 *
 * The protocol has no request that ends the process: that is the end of stdin.
 */
#ifndef SERVICE_CLI_CLI_MESSAGE_H
#define SERVICE_CLI_CLI_MESSAGE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

enum cli_message_kind {
	CLI_MESSAGE_OTHER,    /* of no interest here: system, assistant, user, ... */
	CLI_MESSAGE_RESPONSE, /* to a control request of ours */
	CLI_MESSAGE_REQUEST,  /* a control request of the CLI's */
	CLI_MESSAGE_RESULT,   /* the end of a turn */
};

/* Borrowed from the line's JSON. */
struct cli_message {
	enum cli_message_kind kind;
	const char *request_id; /* of a response or request; NULL: it has none */
	const char *text;       /* a result's reply, or why there is none; or of a
				   response, why the request failed */
	bool failed;            /* the response or result */
};

/* False: it is no message. */
bool cli_message_read(struct cli_message *message, const cJSON *json) MUST_CHECK;

/* All the caller's. */
cJSON *cli_message_user(const char *text) MUST_CHECK;
cJSON *cli_message_request(const char *request_id, const char *subtype) MUST_CHECK;
/* The refusal of a request of the CLI's. */
cJSON *cli_message_refusal(const char *request_id) MUST_CHECK;

#endif
