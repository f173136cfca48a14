#include "harness/report/names.h"

#include <stdio.h>
#include <sys/wait.h>

#include "lib/signals.h"

const char *stamp_source_name(enum stamp_source source)
{
	static const char *const names[] = {
		[STAMP_NONE] = "none",
		[STAMP_KERNEL] = "kernel",
		[STAMP_SELF] = "harness",
		[STAMP_ENGINE] = "engine",
	};

	return names[source];
}

const char *signal_delivery_name(enum signal_delivery fate)
{
	static const char *const names[] = {
		[DELIVERY_UNKNOWN] = "unknown",
		[DELIVERY_DELIVERED] = "delivered",
		[DELIVERY_IGNORED] = "ignored",
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
