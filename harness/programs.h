/*
 * programs - the folder of our programs, which is the folder of this one, and the folder
 * of what is installed with them.
 */
#ifndef HARNESS_PROGRAMS_H
#define HARNESS_PROGRAMS_H

/* Gives the caller an absolute path to free(). */
char *programs_folder(void);

/* The folder that has "scenarios/" in it: PREFIX/share/stopbench, or the top of the source
 * tree. Gives the caller an absolute path to free(), or NULL: there is none. */
char *programs_data(void);

#endif
