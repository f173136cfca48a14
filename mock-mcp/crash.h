/*
 * crash - the ends that no server chooses.
 */
#ifndef MOCK_MCP_CRASH_H
#define MOCK_MCP_CRASH_H

#include "mock-mcp/behavior.h"

/* abort(), without a core dump, if that is the moment of which the behavior speak. */
void crash_at(const struct mcp_behavior *behavior, enum mcp_crash_point moment);

/* Burns a processor and hears nothing but SIGKILL, and the end of its lifeline. */
void crash_spin(void) NORETURN;

#endif
