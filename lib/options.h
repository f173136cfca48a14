/*
 * options - a command line, read by argp, with what all our programs share: "-h" is
 * help like argp's own "--help", and a mistake ends the program with exit code 2.
 *
 * Where the first word is --man the command's page of the manual is printed, and where it
 * is --complete what may follow the words behind it (completion.h); then the program
 * exits. They are for packages and shells, and no part of the help.
 */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_USAGE_EXIT 2

/* `argp` has no children of its own; its parser gets `input`. False: the parser
 * returned an error. */
bool options_parse(const struct argp *argp, int argc, char **argv, void *input);

/* The same where a command of somebody else may follow: nothing behind the first
 * argument is moved in front of it. */
bool options_parse_in_order(
	const struct argp *argp, int argc, char **argv, void *input);

/* A whole number from 1 to most, as the value of --option; else bad usage. For parsers. */
uint64_t options_count(
	struct argp_state *state, const char *option, const char *value, uint64_t most);

#endif
