/*
 * man_page - a command line's options as a page of the manual, man(7).
 *
 * The page is made of the argp table that reads the command line: its documentation, its
 * arguments and a paragraph for each option. A name "stopbench run" is the page
 * stopbench-run(1).
 */
#ifndef LIB_MAN_PAGE_H
#define LIB_MAN_PAGE_H

#include <argp.h>
#include <stdio.h>

/* The first sentence of argp's documentation is the page's description. What stands
 * behind its \v is told after the options, where a paragraph that begins with "Exit
 * codes:", "Environment:" or "Files:" is a section of its own. A line that begins with a
 * blank is kept as it is. */
void man_page_print(FILE *out, const struct argp *argp, const char *name);

#endif
