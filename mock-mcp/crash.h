/*
 * crash - the faults that end a server or leave it running without effect.
 */
#ifndef MOCK_MCP_CRASH_H
#define MOCK_MCP_CRASH_H

#include "mock-mcp/behavior.h"

/* Calls abort(), without a core dump, if the behavior has this crash point. */
void crash_at(const struct mcp_behavior *behavior, enum mcp_crash_point point);

/* Uses all of a processor until SIGKILL or the end of the lifeline. */
void crash_spin(void) NORETURN;

#endif
