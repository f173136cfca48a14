#include "kube-fake/controllers.h"

#include <stdlib.h>
#include <string.h>

#include "kube-fake/deployments.h"
#include "kube-fake/endpoints.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define AGAIN_NS (100 * CLOCK_MS)

struct controllers {
	struct kube_fake *fake;
	struct loop_timer *now, *again, *endpoints;
};

static void on_now(void *arg)
{
	struct controllers *controllers = arg;

	if (!deployments_reconcile(controllers->fake->store))
		loop_timer_set(controllers->again, AGAIN_NS);
}

static void on_endpoints(void *arg)
{
	endpoints_reconcile(((struct controllers *)arg)->fake->store);
}

struct controllers *controllers_create(struct kube_fake *fake)
{
	struct controllers *controllers = mem_zeroed(sizeof *controllers);

	controllers->fake = fake;
	controllers->now = loop_timer_create(fake->loop, on_now, controllers);
	controllers->again = loop_timer_create(fake->loop, on_now, controllers);
	controllers->endpoints =
		loop_timer_create(fake->loop, on_endpoints, controllers);
	return controllers;
}

void controllers_destroy(struct controllers *controllers)
{
	if (!controllers)
		return;
	loop_timer_destroy(controllers->now);
	loop_timer_destroy(controllers->again);
	loop_timer_destroy(controllers->endpoints);
	free(controllers);
}

void controllers_notice(struct controllers *controllers, const struct change *change)
{
	const struct resource *resource = change->resource;
	bool is_pod = resource == &resources[RESOURCE_PODS];

	if (is_pod || resource == &resources[RESOURCE_DEPLOYMENTS] ||
		resource == &resources[RESOURCE_REPLICASETS])
		loop_timer_set(controllers->now, 0);
	if ((is_pod || resource == &resources[RESOURCE_SERVICES]) &&
		!loop_timer_is_set(controllers->endpoints))
		loop_timer_set(controllers->endpoints,
			controllers->fake->behavior.endpoint_ns);
}
