/*
 * programs - where our other programs are: in the folder of this one.
 */
#ifndef HARNESS_PROGRAMS_H
#define HARNESS_PROGRAMS_H

/* Absolute; the caller's to free(). */
char *programs_folder(void);

#endif
