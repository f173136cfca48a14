#include "harness/engine/run_label.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

char *run_label_home(void)
{
	const char *temporary = getenv("TMPDIR");
	struct utsname host = {0};

	uname(&host);
	return mem_textf(
		"%s:%s", host.nodename, temporary && temporary[0] ? temporary : "/tmp");
}

cJSON *run_labels(const char *run_id)
{
	SCOPED(mem_free) char *home = run_label_home();

	return json_fill(
		NULL, "{'" RUN_LABEL "': %s, '" RUN_LABEL_HOME "': %s}", run_id, home);
}

const char *run_label_of(const cJSON *labels)
{
	SCOPED(mem_free) char *here = run_label_home();
	const char *home = json_text(labels, RUN_LABEL_HOME);

	return home && strcmp(home, here) == 0 ? json_text(labels, RUN_LABEL) : NULL;
}
