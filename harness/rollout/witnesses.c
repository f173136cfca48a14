#include "harness/rollout/witnesses.h"

#include <stdlib.h>
#include <string.h>

#include "harness/rollout/witness_address.h"
#include "lib/mem.h"

#define DEFAULT_DAEMON "unix:///var/run/docker.sock"
#define SWARM_LABEL    "com.docker.swarm.service.name="

struct witnesses {
	struct witnesses_options options;
	char *label; /* NULL: every container, the stops are sorted by their ids */
	struct witness **list;
	unsigned count;
	witness_stop_fn *stopped;
	void *arg;
};

static bool add(struct witnesses *witnesses, const char *address, struct err *err)
{
	size_t mark = strlen(WITNESS_DAEMON_MARK);
	bool daemon = strncmp(address, WITNESS_DAEMON_MARK, mark) == 0;
	struct witness *witness = witness_open(
		&(struct witness_options){
			.loop = witnesses->options.loop,
			.address = daemon ? address + mark : address,
			.daemon = daemon,
			.label = witnesses->label,
			.folder = witnesses->options.folder,
			.interrupted = witnesses->options.interrupted,
		},
		witnesses->stopped, witnesses->arg, err);

	if (!witness)
		return err_while(err, "witness %s", address);
	witnesses->list = mem_grown(
		witnesses->list, witnesses->count + 1, sizeof *witnesses->list);
	witnesses->list[witnesses->count++] = witness;
	return true;
}

static bool names(const struct witnesses *witnesses, const char *address)
{
	const char *const *addresses = witnesses->options.addresses;

	for (size_t i = 0; addresses && addresses[i]; i++) {
		if (strcmp(addresses[i], address) == 0)
			return true;
	}
	return false;
}

/* The manager that we talk to is on this kernel when its socket is a file. */
static bool add_own(struct witnesses *witnesses, struct err *err)
{
	const char *host = getenv("DOCKER_HOST");
	SCOPED(mem_free)
	char *address =
		mem_textf("%s%s", WITNESS_DAEMON_MARK, host && host[0] ? host : DEFAULT_DAEMON);

	return strcmp(witnesses->options.cluster->kind, "swarm") != 0 ||
		!strstr(address, "unix://") || names(witnesses, address) ||
		add(witnesses, address, err);
}

struct witnesses *witnesses_open(const struct witnesses_options *options,
	witness_stop_fn *stopped, void *arg, struct err *err)
{
	struct witnesses *witnesses = mem_zeroed(sizeof *witnesses);
	bool ok;

	witnesses->options = *options;
	witnesses->stopped = stopped;
	witnesses->arg = arg;
	if (strcmp(options->cluster->kind, "swarm") == 0)
		witnesses->label = mem_textf("%s%s", SWARM_LABEL, options->service);
	ok = add_own(witnesses, err);
	for (size_t i = 0; ok && options->addresses && options->addresses[i]; i++)
		ok = add(witnesses, options->addresses[i], err);
	if (ok)
		return witnesses;
	witnesses_close(witnesses);
	return NULL;
}

void witnesses_close(struct witnesses *witnesses)
{
	if (!witnesses)
		return;
	for (unsigned i = 0; i < witnesses->count; i++)
		witness_close(witnesses->list[i]);
	free(witnesses->list);
	free(witnesses->label);
	free(witnesses);
}

bool witnesses_expect(const struct witnesses *witnesses, const char *container)
{
	for (unsigned i = 0; witnesses && i < witnesses->count; i++) {
		if (witness_watches(witnesses->list[i], container) &&
			!witness_trouble(witnesses->list[i]))
			return true;
	}
	return false;
}

static const struct witness *of_node(
	const struct witnesses *witnesses, const char *node)
{
	for (unsigned i = 0; witnesses && i < witnesses->count; i++) {
		if (strcmp(witness_node(witnesses->list[i]), node) == 0)
			return witnesses->list[i];
	}
	return NULL;
}

bool witnesses_have(const struct witnesses *witnesses, const char *node)
{
	return of_node(witnesses, node) != NULL;
}

const char *witnesses_trouble(const struct witnesses *witnesses, const char *node)
{
	const struct witness *witness = of_node(witnesses, node);

	return witness ? witness_trouble(witness) : NULL;
}
