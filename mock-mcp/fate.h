/*
 * fate - the ends that no server chooses.
 */
#ifndef MOCK_MCP_FATE_H
#define MOCK_MCP_FATE_H

#include "mock-mcp/manners.h"

/* abort(), without a core dump, if that is the moment of which the manners speak. */
void fate_crash(const struct mcp_manners *manners, enum mcp_moment moment);

/* Burns a processor and hears nothing but SIGKILL, and the end of its lifeline. */
void fate_spin(void) NORETURN;

#endif
