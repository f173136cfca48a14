/*
 * temp_dir - a folder of the test's own in /tmp.
 */
#ifndef TEST_SUPPORT_TEMP_DIR_H
#define TEST_SUPPORT_TEMP_DIR_H

/* Makes the folder. Gives its path, for temp_dir_remove(). */
char *temp_dir_create(void);
/* Removes the folder with everything in it. Takes path; NULL does nothing. */
void temp_dir_remove(char *path);

#endif
