#include "harness/cluster/swarm/mesh.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/json.h"
#include "lib/mem.h"

/* A line of modules.dep or modules.builtin: "kernel/net/netfilter/ipvs/ip_vs.ko.xz: ..." */
static bool lists_module(const char *release, const char *list)
{
	SCOPED(mem_free)
	char *path = mem_textf("/lib/modules/%s/%s", release, list);
	FILE *file = fopen(path, "re");
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof line, file)) {
		line[strcspn(line, ":\n")] = '\0';
		found = strstr(line, "/ip_vs.ko") != NULL;
	}
	if (file)
		fclose(file);
	return found;
}

static bool kernel_has_ipvs(const char *release)
{
	return access("/proc/net/ip_vs", F_OK) == 0 ||
		lists_module(release, "modules.dep") ||
		lists_module(release, "modules.builtin");
}

bool mesh_is_possible(const cJSON *info, struct err *err)
{
	const char *kernel = json_text(info, "KernelVersion");
	struct utsname host;

	if (!kernel || uname(&host) != 0 || strcmp(kernel, host.release) != 0 ||
		kernel_has_ipvs(host.release))
		return true;
	return err_set(err,
		"the mesh needs IPVS, which kernel %s has not: publish \"host\" with a "
		"balancer in front, or use nodes whose kernel has the module ip_vs",
		kernel);
}
