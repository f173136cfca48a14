#include "test/support/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "lib/fs.h"
#include "lib/mem.h"

char *temp_dir_create(void)
{
	char *path = mem_text("/tmp/sb-test-XXXXXX");

	assert_non_null(mkdtemp(path));
	return path;
}

void temp_dir_remove(char *path)
{
	if (path)
		fs_remove_tree(path);
	free(path);
}
