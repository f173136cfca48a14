#include "harness/engine/run_label.h"

#include <stdlib.h>
#include <sys/utsname.h>

#include "lib/mem.h"

char *run_label_home(void)
{
	const char *temporary = getenv("TMPDIR");
	struct utsname host = {0};

	uname(&host);
	return mem_textf(
		"%s:%s", host.nodename, temporary && temporary[0] ? temporary : "/tmp");
}
