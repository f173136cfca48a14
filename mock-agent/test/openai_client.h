/*
 * openai_client - requests of a client of OpenAI's API, and what it looks for in their
 * answers. Everything unexpected fails the test.
 */
#ifndef MOCK_AGENT_TEST_OPENAI_CLIENT_H
#define MOCK_AGENT_TEST_OPENAI_CLIENT_H

#include "mock-agent/test/mock_program.h"

#define CHAT      "/v1/chat/completions"
#define RESPONSES "/v1/responses"

/* For http_answer_done(). */
struct http_answer openai_call(struct mock_program *mock, const char *method,
	const char *path, const char *body);

/* The text at "a.0.b" of the answer's body; NULL: there is none. Borrowed. */
const char *openai_text(const struct http_answer *answer, const char *path);

/* The body of a POST's stream, up to its end; the caller's. */
char *openai_stream(struct mock_program *mock, const char *path, const char *body);

/* Texts that occur one behind the other; NULL ends them. */
void openai_assert_order(const char *text, const char *const *parts);
unsigned openai_count(const char *text, const char *part);

/* A body, and the error that answers it. */
struct refusal {
	const char *body;
	int status;
	const char *param;
	const char *code;
	const char *why;
};

void openai_assert_refused(
	struct mock_program *mock, const char *path, const struct refusal *row);

#endif
