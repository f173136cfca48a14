#include "harness/report/names.h"

#include <stdio.h>
#include <sys/wait.h>

#include "lib/signals.h"

const char *witness_name(enum witness witness)
{
	static const char *const names[] = {
		[WITNESS_NONE] = "none",
		[WITNESS_KERNEL] = "kernel",
		[WITNESS_SELF] = "harness",
		[WITNESS_ENGINE] = "engine",
	};

	return names[witness];
}

const char *fate_name(enum signal_fate fate)
{
	static const char *const names[] = {
		[FATE_UNKNOWN] = "unknown",
		[FATE_DELIVERED] = "delivered",
		[FATE_IGNORED] = "ignored",
	};

	return names[fate];
}

const char *trouble_name(enum trouble trouble)
{
	static const char *const names[] = {
		[TROUBLE_NONE] = "none",
		[TROUBLE_NOT_UP] = "not-up",
		[TROUBLE_NOT_READY] = "not-ready",
		[TROUBLE_EXITED] = "exited",
		[TROUBLE_LOAD] = "load",
		[TROUBLE_WHEN] = "when",
		[TROUBLE_INTERRUPTED] = "interrupted",
	};

	return names[trouble];
}

const char *request_end_name(enum request_end end)
{
	static const char *const names[] = {
		[REQUEST_PENDING] = "never answered",
		[REQUEST_ANSWERED] = "answered",
		[REQUEST_TURNED_AWAY] = "turned away",
		[REQUEST_WRONG] = "answered wrongly",
		[REQUEST_REFUSED] = "refused",
		[REQUEST_BROKEN] = "lost",
	};

	return names[end];
}

const char *wait_name(int wait_status, char text[WAIT_TEXT_SIZE])
{
	char signal[SIGNAL_TEXT_SIZE];

	if (WIFSIGNALED(wait_status))
		snprintf(text, WAIT_TEXT_SIZE, "%s",
			signal_name(WTERMSIG(wait_status), signal));
	else
		snprintf(text, WAIT_TEXT_SIZE, "exit %d", WEXITSTATUS(wait_status));
	return text;
}
