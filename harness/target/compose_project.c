#include "harness/target/compose_project.h"

#include <ctype.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/target/compose_file.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"

#define LABEL(name) "com.docker.compose." name

static const char *label_of(const cJSON *container, const char *label)
{
	const char *text = json_text(json_get(container, "Labels"), label);

	return text ? text : "";
}

/* --- which project --- */

static bool same_file(const char *path, const char *file)
{
	char whole[PATH_MAX];

	return realpath(path, whole) && strcmp(whole, file) == 0;
}

/* Compose v1 writes its files as they were given to it, relative to the folder that it
 * was called in; that is most often the first file's, which is the working folder. */
static bool is_of_file(const cJSON *container, const char *file)
{
	const char *folder = label_of(container, LABEL("project.working_dir"));
	SCOPED(mem_free)
	char *files = mem_text(label_of(container, LABEL("project.config_files")));

	for (char *rest = files, *at; (at = strsep(&rest, ","));) {
		const char *name = strrchr(at, '/');
		SCOPED(mem_free) char *below = mem_textf("%s/%s", folder, at);
		SCOPED(mem_free)
		char *beside = mem_textf("%s/%s", folder, name ? name + 1 : at);

		if (*at == '/' ? same_file(at, file)
			       : same_file(below, file) || same_file(beside, file))
			return true;
	}
	return false;
}

/* As compose makes a name of a folder's: lower case, and only what a name may have. */
static char *normal_name(const char *folder)
{
	struct buf name = {0};

	for (; *folder; folder++) {
		char c = (char)tolower((unsigned char)*folder);

		if (isalnum((unsigned char)c) || c == '_' || c == '-')
			buf_add(&name, &c, 1);
	}
	return name.len ? buf_take(&name) : mem_text("default");
}

static const char *wanted_name(void)
{
	const char *name = getenv("COMPOSE_PROJECT_NAME");

	return name && name[0] ? name : NULL;
}

/* What compose would call it; the caller's. */
static char *derived_name(const char *file, const char *text)
{
	char *named = wanted_name() ? mem_text(wanted_name()) : compose_file_name(text);
	SCOPED(mem_free) char *path = mem_text(file);

	return named ? named : normal_name(basename(dirname(path)));
}

static bool is_from(const cJSON *listed, const char *file, const char *name)
{
	const cJSON *container;

	cJSON_ArrayForEach(container, listed) {
		if (strcmp(label_of(container, COMPOSE_PROJECT_LABEL), name) == 0 &&
			is_of_file(container, file))
			return true;
	}
	return false;
}

/* The one project made from this file (`compose -p NAME`); NULL: there is none, or with
 * err several. Borrowed. */
static const char *only_project(const cJSON *listed, const char *file, struct err *err)
{
	const char *found = NULL;
	const cJSON *container;

	cJSON_ArrayForEach(container, listed) {
		const char *name = label_of(container, COMPOSE_PROJECT_LABEL);

		if (!is_of_file(container, file))
			continue;
		if (found && strcmp(found, name) != 0) {
			err_set(err,
				"%s: several projects are made from it, %s and %s: choose with "
				"COMPOSE_PROJECT_NAME",
				file, found, name);
			return NULL;
		}
		found = name;
	}
	return found;
}

/* The caller's; NULL with err. */
static char *find_name(
	const cJSON *listed, const char *file, const char *text, struct err *err)
{
	char *derived = derived_name(file, text);
	const char *only = NULL;

	*err = (struct err){0};
	if (wanted_name() || is_from(listed, file, derived))
		return derived;
	only = only_project(listed, file, err);
	if (!only && !err->text[0])
		return derived;
	free(derived);
	return mem_text(only);
}

/* --- its containers --- */

/* "db:service_started:false,redis:service_healthy:true" */
static void read_needs_label(struct strlist *needs, const char *label)
{
	SCOPED(mem_free) char *list = mem_text(label);

	for (char *rest = list, *at; (at = strsep(&rest, ","));) {
		at[strcspn(at, ":")] = '\0';
		if (*at)
			strlist_add(needs, "%s", at);
	}
}

static bool is_named(
	const char *service, const char *const *services, unsigned service_count)
{
	for (unsigned i = 0; i < service_count; i++) {
		if (strcmp(services[i], service) == 0)
			return true;
	}
	return service_count == 0;
}

static const char *name_of(const cJSON *container)
{
	const cJSON *first = json_at(container, "Names.0");
	const char *name = cJSON_IsString(first) ? first->valuestring : "?";

	return name + (*name == '/');
}

/* One container of the project. One that `run` made for once is not the project's to
 * stop. */
static void add(struct compose_project *project, const cJSON *listed, const char *text,
	const char *const *services, unsigned service_count)
{
	const char *needs = json_text(json_get(listed, "Labels"), LABEL("depends_on"));
	const char *state = json_text(listed, "State");
	struct compose_container *container;

	if (strcasecmp(label_of(listed, LABEL("oneoff")), "true") == 0)
		return;
	project->containers = mem_grown(
		project->containers, project->count + 1, sizeof *project->containers);
	container = &project->containers[project->count++];
	*container = (struct compose_container){
		.name = mem_text(name_of(listed)),
		.service = mem_text(label_of(listed, LABEL("service"))),
	};
	container->chosen = is_named(container->service, services, service_count);
	container->running = state && strcmp(state, "exited") != 0 &&
		strcmp(state, "created") != 0 && strcmp(state, "dead") != 0;
	if (needs)
		read_needs_label(&container->needs, needs);
	else
		compose_file_needs(text, container->service, &container->needs);
}

static const struct compose_container *find_service(
	const struct compose_project *project, const char *service)
{
	for (unsigned i = 0; i < project->count; i++) {
		if (strcmp(project->containers[i].service, service) == 0)
			return &project->containers[i];
	}
	return NULL;
}

static bool check(const struct compose_project *project, const char *file,
	const char *const *services, unsigned service_count, struct err *err)
{
	if (project->count == 0)
		return err_set(err, "%s: there is no container of a project \"%s\"",
			file, project->name);
	for (unsigned i = 0; i < service_count; i++) {
		if (!find_service(project, services[i]))
			return err_set(err,
				"%s: project \"%s\" has no container of a "
				"service \"%s\"",
				file, project->name, services[i]);
	}
	return true;
}

bool compose_project_read(struct compose_project *project, const cJSON *listed,
	const char *file, const char *const *services, unsigned service_count,
	struct err *err)
{
	SCOPED(buf_done) struct buf text = {.ceiling = JSON_FILE_CEILING};
	struct compose_project read = {0};
	char whole[PATH_MAX];
	const cJSON *container;

	if (!realpath(file, whole) || !fs_read_file(&text, whole))
		return err_sys(err, "%s", file);
	read.name = find_name(listed, whole, buf_text(&text), err);
	if (!read.name)
		return false;
	cJSON_ArrayForEach(container, listed) {
		if (strcmp(label_of(container, COMPOSE_PROJECT_LABEL), read.name) == 0)
			add(&read, container, buf_text(&text), services, service_count);
	}
	if (!check(&read, file, services, service_count, err)) {
		compose_project_done(&read);
		return false;
	}
	*project = read;
	return true;
}

void compose_project_done(struct compose_project *project)
{
	for (unsigned i = 0; i < project->count; i++) {
		free(project->containers[i].name);
		free(project->containers[i].service);
		strlist_done(&project->containers[i].needs);
	}
	free(project->containers);
	free(project->name);
	*project = (struct compose_project){0};
}

/* No way through the services is longer than there are containers: circles end. */
static bool reaches(const struct compose_project *project, const char *from,
	const char *to, unsigned steps)
{
	const struct compose_container *container = find_service(project, from);

	for (unsigned i = 0; container && steps && i < container->needs.count; i++) {
		const char *need = container->needs.item[i];

		if (strcmp(need, to) == 0 || reaches(project, need, to, steps - 1))
			return true;
	}
	return false;
}

bool compose_project_depends(const struct compose_project *project,
	const struct compose_container *first, const struct compose_container *second)
{
	return strcmp(first->service, second->service) != 0 &&
		reaches(project, first->service, second->service, project->count);
}
