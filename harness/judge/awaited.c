#include "harness/judge/awaited.h"

#include "harness/engine/snapshot.h"

/* A child that counts as being waited for, the more the higher; 0: it does not. */
static int weight_of(const struct processes *processes, const struct process *parent,
	const struct process *child)
{
	const struct proc *waits = parent->last;
	bool awaited = waits && (proc_awaits_child(waits) || proc_is_init(waits));

	if (child->told)
		return 4;
	if (process_has_client(child))
		return 3;
	if (awaited)
		return 2;
	/* Told in another way, as its siblings were, and they have ended. */
	for (unsigned i = 1; i < processes->count; i++) {
		const struct process *sibling = &processes->list[i];

		if (sibling->parent == parent && sibling->was_there && sibling->ended)
			return 1;
	}
	return 0;
}

const struct process *awaited_child(
	const struct processes *processes, const struct process *parent)
{
	const struct process *child = NULL, *best = NULL;
	int best_weight = 0;

	while ((child = processes_child(processes, parent, child))) {
		int weight = weight_of(processes, parent, child);

		if (weight > best_weight) {
			best_weight = weight;
			best = child;
		}
	}
	return best;
}

unsigned awaited_children(
	const struct processes *processes, const struct process *parent)
{
	const struct process *child = NULL;
	unsigned count = 0;

	while ((child = processes_child(processes, parent, child)))
		count += weight_of(processes, parent, child) > 0;
	return count;
}
