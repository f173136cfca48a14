#include "lib/signals.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	return 0;
}

const char *signal_name(int number, char text[SIGNAL_TEXT_SIZE])
{
	const char *abbreviation = sigabbrev_np(number);

	if (abbreviation)
		snprintf(text, SIGNAL_TEXT_SIZE, "SIG%s", abbreviation);
	else
		snprintf(text, SIGNAL_TEXT_SIZE, "signal %d", number);
	return text;
}
