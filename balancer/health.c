#include "balancer/health.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/log.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define LEAST_BOUND_NS CLOCK_S

struct health {
	const struct balancer_config *config;
	char *address, *url;
	struct fetch *fetch;
	struct loop_timer *pause;
	health_fn *changed;
	void *arg;
	bool is_known, is_healthy;
	int64_t failed; /* in a row */
};

static void tell(struct health *health, bool is_healthy)
{
	if (health->is_known && health->is_healthy == is_healthy)
		return;
	health->is_known = true;
	health->is_healthy = is_healthy;
	health->changed(health->arg, is_healthy);
}

static void on_check(void *arg, const struct fetch_result *result)
{
	struct health *health = arg;

	loop_timer_set(health->pause, health->config->health_interval_ns);
	if (result->end == FETCH_ANSWERED && result->status == 200) {
		health->failed = 0;
		tell(health, true);
		return;
	}
	health->failed++;
	log_event("backend.failing", "backend", LOG_TEXT(health->address), "failed",
		LOG_INT(health->failed), "status", LOG_INT(result->status), "why",
		LOG_TEXT(result->why));
	if (health->failed >= health->config->fails)
		tell(health, false);
}

static void check(void *arg)
{
	struct health *health = arg;
	int64_t bound_ns = health->config->health_interval_ns;
	struct err err;

	if (!fetch_start(health->fetch,
		    &(struct fetch_request){
			    .url = health->url,
			    .timeout_ns = bound_ns > LEAST_BOUND_NS ? bound_ns
								    : LEAST_BOUND_NS,
			    .done = on_check,
			    .arg = health,
			    .fresh = true,
		    },
		    &err)) {
		log_event("backend.failing", "backend", LOG_TEXT(health->address),
			"why", LOG_TEXT(err.text));
		loop_timer_set(health->pause, health->config->health_interval_ns);
	}
}

struct health *health_create(uv_loop_t *loop, const struct balancer_config *config,
	const char *address, health_fn *changed, void *arg, struct err *err)
{
	struct health *health = mem_zeroed(sizeof *health);

	health->config = config;
	health->address = mem_text(address);
	health->url = mem_textf("http://%s%s", address, config->health_path);
	health->pause = loop_timer_create(loop, check, health);
	health->changed = changed;
	health->arg = arg;
	health->fetch = fetch_create(loop, 1, err);
	if (!health->fetch) {
		health_destroy(health);
		return NULL;
	}
	check(health);
	return health;
}

void health_destroy(struct health *health)
{
	if (!health)
		return;
	fetch_destroy(health->fetch);
	loop_timer_destroy(health->pause);
	free(health->address);
	free(health->url);
	free(health);
}

bool health_is_known(const struct health *health)
{
	return health->is_known;
}
