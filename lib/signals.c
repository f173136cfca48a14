#include "lib/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "RTMIN+3": counted from one end of the real-time signals, which have no other names.
 */
static int real_time(const char *name)
{
	bool from_least = strncmp(name, "RTMIN", 5) == 0;
	const char *at = name + 5;
	char *end = NULL;
	long distance = 0;

	if (!from_least && strncmp(name, "RTMAX", 5) != 0)
		return 0;
	if (*at == (from_least ? '+' : '-') && at[1] >= '0' && at[1] <= '9') {
		distance = strtol(at + 1, &end, 10);
		at = end;
	}
	if (*at || distance > SIGRTMAX - SIGRTMIN)
		return 0;
	return (int)(from_least ? SIGRTMIN + distance : SIGRTMAX - distance);
}

int signal_number(const char *name)
{
	char *end;
	long number = strtol(name, &end, 10);

	if (end != name)
		return *end == '\0' && number > 0 && number <= SIGRTMAX ? (int)number
									: 0;
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int i = 1; i <= SIGRTMAX; i++) {
		const char *abbreviation = sigabbrev_np(i);

		if (abbreviation && strcmp(name, abbreviation) == 0)
			return i;
	}
	return real_time(name);
}

const char *signal_name(int number, char text[SIGNAL_TEXT_SIZE])
{
	const char *abbreviation = sigabbrev_np(number);

	if (abbreviation)
		snprintf(text, SIGNAL_TEXT_SIZE, "SIG%s", abbreviation);
	else if (number == SIGRTMIN)
		snprintf(text, SIGNAL_TEXT_SIZE, "SIGRTMIN");
	else if (number > SIGRTMIN && number <= SIGRTMAX)
		snprintf(text, SIGNAL_TEXT_SIZE, "SIGRTMIN+%d", number - SIGRTMIN);
	else
		snprintf(text, SIGNAL_TEXT_SIZE, "signal %d", number);
	return text;
}

bool signal_is_crash(int number)
{
	return number == SIGQUIT || number == SIGILL || number == SIGTRAP ||
		number == SIGABRT || number == SIGBUS || number == SIGFPE ||
		number == SIGSEGV || number == SIGPIPE || number == SIGSYS;
}

bool signal_is_harmless(int number)
{
	return number == SIGWINCH || number == SIGCHLD || number == SIGURG ||
		number == SIGCONT;
}

void signals_block_only(const int *signals)
{
	sigset_t set;

	sigemptyset(&set);
	for (; signals && *signals; signals++)
		sigaddset(&set, *signals);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

void signals_ignore_sigpipe(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
		now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}
