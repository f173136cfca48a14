/*
 * ledger - the harness's end of the lifelines, for tests.
 *
 * Its owner polls: ledger_poll() says for what, ledger_turn() takes what came.
 */
#ifndef MOCK_MCP_TEST_LEDGER_H
#define MOCK_MCP_TEST_LEDGER_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#define LEDGER_LINES_MAX 128
#define LEDGER_POLL_MAX  (LEDGER_LINES_MAX + 1)

struct mcp_ledger;

/* Listens at this path. */
struct mcp_ledger *ledger_create(const char *path);

/* Fills fds, gives their number. */
unsigned ledger_poll(const struct mcp_ledger *ledger, struct pollfd *fds);
void ledger_turn(struct mcp_ledger *ledger, const struct pollfd *fds, unsigned count);

/* The nth event (from 1) of that name, of that process unless pid is 0; NULL when it
 * has not come. Borrowed. */
const cJSON *ledger_event(
	const struct mcp_ledger *ledger, pid_t pid, const char *name, unsigned nth);

/* Has the kernel not closed it yet? */
bool ledger_has_line(const struct mcp_ledger *ledger, pid_t pid);
/* Of somebody who has one; 0 when there is nobody. */
pid_t ledger_someone(const struct mcp_ledger *ledger);
/* SIGKILL to everybody who has one. */
void ledger_kill(const struct mcp_ledger *ledger);

/* Hangs up on everybody. */
void ledger_close(struct mcp_ledger *ledger);
void ledger_destroy(struct mcp_ledger *ledger);

#endif
