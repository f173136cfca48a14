/*
 * command - the subcommands of stopbench: a row in main.c and a file each (cmd_run.c,
 * cmd_validate.c, ...), with an argp table of its own. Gives the program's exit code.
 */
#ifndef HARNESS_COMMAND_COMMAND_H
#define HARNESS_COMMAND_COMMAND_H

#include "harness/exit_code.h"

typedef int command_fn(int argc, char **argv);

command_fn cmd_run;
command_fn cmd_compare;
command_fn cmd_report;
command_fn cmd_validate;
command_fn cmd_list;
command_fn cmd_stop;
command_fn cmd_try;
command_fn cmd_init;
command_fn cmd_check;
command_fn cmd_witness;
command_fn cmd_explain;
command_fn cmd_fleet;
command_fn cmd_clean;
command_fn cmd_images;
command_fn cmd_schema;

#endif
