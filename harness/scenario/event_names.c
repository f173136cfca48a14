#include "harness/scenario/event_names.h"

const char *const event_names[EVENT_NAMES_MAX] = {
	"sessions.ready",
	"exit",
	"process.start",
	"process.exit",
	"agent.listening",
	"agent.session.opened",
	"agent.stream.opened",
	"agent.stream.closed",
	"agent.turn.begin",
	"agent.tool.asked",
	"agent.tool.answered",
	"agent.turn.end",
	"agent.interrupted",
	"agent.disconnect.begin",
	"agent.disconnect.refused",
	"agent.disconnect.done",
	"agent.disconnect.broken",
	"agent.fault",
	"agent.behavior.changed",
	"mcp.initialized",
	"mcp.tool.begin",
	"mcp.tool.end",
	"mcp.eof",
	"mcp.signal",
	"mcp.child",
	"setting",
	"service.listening",
	"session.opened",
	"turn.begin",
	"turn.end",
	"session.broken",
	"mcp.failed",
	"mcp.unexpected_output",
	"mcp.tool.hidden",
	"log.lost",
	"store.failed",
	"probe.failed",
	"service.failed",
	"mcp.started",
	"mcp.relisted",
	"mcp.step",
	"mcp.reaped",
	"orphan.reaped",
	"shutdown.begin",
	"shutdown.phase",
	"session.disconnect.begin",
	"session.disconnected",
	"session.disconnect.failed",
	"session.closed",
	"shutdown.forced",
	"shutdown.complete",
};

size_t event_names_count(void)
{
	size_t count = 0;

	while (event_names[count])
		count++;
	return count;
}
