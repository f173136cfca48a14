#include "lib/standard_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cc.h"

void standard_files_open(int code)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* open() gives the lowest free number, which is the missing one. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(code);
	}
}

static void flush_output(int status UNUSED, void *code)
{
	bool failed = ferror(stdout);

	if (fflush(stdout) == 0 && !failed)
		return;
	fprintf(stderr, "%s: stdout: %s\n", program_invocation_short_name,
		strerror(errno));
	_exit((int)(intptr_t)code);
}

/* Not a call at the end of main(), because argp exits by itself. */
void standard_files_flush_at_exit(int code)
{
	on_exit(flush_output, (void *)(intptr_t)code);
}
