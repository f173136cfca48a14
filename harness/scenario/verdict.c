#include "harness/scenario/verdict.h"

#include <string.h>

const char *const verdict_names[VERDICTS + 1] = {
	[VERDICT_CLEAN] = "clean",
	[VERDICT_SLOW] = "slow",
	[VERDICT_INCONCLUSIVE] = "inconclusive",
	[VERDICT_DIRTY] = "dirty",
	[VERDICT_LEAK] = "leak",
	[VERDICT_LOSS] = "loss",
	[VERDICT_CRASH] = "crash",
	[VERDICT_SELF_KILLED] = "self-killed",
	[VERDICT_OOM] = "oom",
	[VERDICT_KILLED] = "killed",
	[VERDICT_ENGINE_STUCK] = "engine-stuck",
};

bool verdict_parse(enum verdict *verdict, const char *name)
{
	for (unsigned i = 0; i < VERDICTS; i++) {
		if (strcmp(verdict_names[i], name) == 0) {
			*verdict = (enum verdict)i;
			return true;
		}
	}
	return false;
}
