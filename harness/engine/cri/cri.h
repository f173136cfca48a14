/*
 * cri - what the parts of the CRI engine share. Private to this folder.
 */
#ifndef HARNESS_ENGINE_CRI_CRI_H
#define HARNESS_ENGINE_CRI_CRI_H

#include "harness/engine/cri/runtime_service.h"
#include "harness/engine/engine.h"

struct cri_engine {
	struct engine engine;
	struct runtime_service *service;
	cJSON *config; /* the runtime's own configuration; NULL: it does not tell */
	char *home;    /* the value of RUN_LABEL_HOME */
	unsigned made; /* sandboxes so far: their names differ by it */
};

#endif
