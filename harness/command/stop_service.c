#include "harness/command/stop_service.h"

#include <stdio.h>
#include <string.h>

#include "harness/cluster/cluster.h"
#include "harness/exit_code.h"
#include "harness/report/service_report.h"
#include "lib/json.h"
#include "lib/mem.h"

error_t stop_service_parse_option(struct stop_service *service, int key, char *value)
{
	switch (key) {
	case STOP_SERVICE_KEY_SERVICE:
		service->service = value;
		return 0;
	case STOP_SERVICE_KEY_ROLLING:
		service->rolling = true;
		return 0;
	case STOP_SERVICE_KEY_WITNESS:
		strlist_add(&service->witnesses, "%s", value);
		return 0;
	case 'e':
		for (size_t i = 0; cluster_kinds[i]; i++) {
			if (strcmp(cluster_kinds[i], value) == 0) {
				service->engine = cluster_kinds[i];
				return 0;
			}
		}
		return ARGP_ERR_UNKNOWN;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_json(const struct service_stop *stop)
{
	SCOPED(json_free) cJSON *json = service_report_json(stop);
	SCOPED(mem_free) char *text = json_print_inert(json, true);

	puts(text);
}

static int code_of(const struct service_stop *stop)
{
	if (stop->trouble)
		return EXIT_UNMET;
	for (unsigned i = 0; i < stop->count; i++) {
		if (stop->tasks[i].stop.verdict != VERDICT_CLEAN)
			return EXIT_UNMET;
	}
	return EXIT_MET;
}

int stop_service_run(const struct stop_service *service, uv_loop_t *loop,
	const bool *interrupted, bool json, const struct terminal *terminal)
{
	struct service_stop stop = {0};
	struct err err;
	int code = EXIT_NOT_RUN;

	if (!service_stop_run(&stop,
		    &(struct service_stop_options){
			    .loop = loop,
			    .orchestrator = service->engine,
			    .service = service->service,
			    .rolling = service->rolling,
			    .witnesses = (const char *const *)service->witnesses.item,
			    .interrupted = interrupted,
		    },
		    &err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
	} else {
		code = code_of(&stop);
		if (json)
			print_json(&stop);
		else
			service_report_print(&stop, terminal, stdout);
	}
	service_stop_done(&stop);
	return code;
}

void stop_service_done(struct stop_service *service)
{
	strlist_done(&service->witnesses);
}
