#include "harness/engine/facts.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/signals.h"

const char *const stamp_source_names[] = {
	[STAMP_NONE] = "none",
	[STAMP_KERNEL] = "kernel",
	[STAMP_SELF] = "harness",
	[STAMP_ENGINE] = "engine",
	NULL,
};

const char *const signal_delivery_names[] = {
	[DELIVERY_UNKNOWN] = "unknown",
	[DELIVERY_DELIVERED] = "delivered",
	[DELIVERY_IGNORED] = "ignored",
	NULL,
};

const char *wait_status_name(int wait_status, char text[WAIT_STATUS_TEXT_SIZE])
{
	char signal[SIGNAL_TEXT_SIZE];

	if (WIFSIGNALED(wait_status))
		snprintf(text, WAIT_STATUS_TEXT_SIZE, "%s",
			signal_name(WTERMSIG(wait_status), signal));
	else
		snprintf(text, WAIT_STATUS_TEXT_SIZE, "exit %d",
			WEXITSTATUS(wait_status));
	return text;
}

void stop_facts_kill(struct stop_facts *facts)
{
	facts->kill_ns = clock_now();
	facts->kill_source = STAMP_SELF;
	facts->kill_by_engine = true;
}
