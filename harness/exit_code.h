/*
 * exit_code - the exit codes of stopbench, which README.md promises.
 */
#ifndef HARNESS_EXIT_CODE_H
#define HARNESS_EXIT_CODE_H

enum exit_code {
	EXIT_MET = 0, /* expectations met; the stop was clean */
	EXIT_UNMET = 1,
	EXIT_USAGE = 2,   /* bad usage or scenario: nothing was started */
	EXIT_NOT_RUN = 3, /* no engine, missing image, interrupted */
};

#endif
