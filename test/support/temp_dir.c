#include "test/support/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/cc.h"
#include "lib/mem.h"

char *temp_dir_create(void)
{
	char *path = mem_text("/tmp/sb-test-XXXXXX");

	assert_non_null(mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *stat UNUSED, int type UNUSED,
	struct FTW *walk UNUSED)
{
	return remove(path);
}

void temp_dir_remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void temp_dir_remove(char *path)
{
	if (path)
		temp_dir_remove_tree(path);
	free(path);
}
