/*
 * programs - the folder of our programs, which is the folder of this one.
 */
#ifndef HARNESS_PROGRAMS_H
#define HARNESS_PROGRAMS_H

/* Gives the caller an absolute path to free(). */
char *programs_folder(void);

#endif
