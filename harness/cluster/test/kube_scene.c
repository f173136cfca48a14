#include "harness/cluster/test/kube_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cluster/kubernetes/kubernetes.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/until.h"

static bool has_file(const char *path)
{
	SCOPED(buf_done) struct buf text = {0};

	return fs_read_file(&text, path) && text.len > 0;
}

static void start_fake(struct kube_scene *scene)
{
	SCOPED(mem_free) char *port_file = mem_textf("%s/port", scene->folder);
	SCOPED(buf_done) struct buf port = {0};

	program_start(&scene->fake,
		(const char *const[]){"kube-fake", "--port-file", port_file,
			"--kubeconfig", scene->kubeconfig, NULL},
		(struct program_fds){0});
	until(NULL, has_file(port_file));
	assert_true(fs_read_file(&port, port_file));
	scene->address = mem_textf("http://127.0.0.1:%d", atoi(buf_text(&port)));
}

int kube_scene_setup(void **state)
{
	struct kube_scene *scene = mem_zeroed(sizeof *scene);

	assert_int_equal(uv_loop_init(&scene->loop), 0);
	scene->folder = temp_dir_create();
	scene->kubeconfig = mem_textf("%s/kubeconfig", scene->folder);
	start_fake(scene);
	*state = scene;
	kube_scene_open(scene, "0badc0de");
	return 0;
}

void kube_scene_close(struct kube_scene *scene)
{
	cluster_destroy(scene->cluster);
	scene->cluster = NULL;
}

int kube_scene_teardown(void **state)
{
	struct kube_scene *scene = *state;

	kube_scene_close(scene);
	program_kill(&scene->fake);
	while (uv_run(&scene->loop, UV_RUN_NOWAIT) != 0)
		;
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	temp_dir_remove(scene->folder);
	free(scene->kubeconfig);
	free(scene->address);
	free(scene);
	return 0;
}

void kube_scene_open(struct kube_scene *scene, const char *run_id)
{
	struct err err = {0};

	kube_scene_close(scene);
	scene->cluster = cluster_create(&scene->loop, "kubernetes",
		&(struct cluster_options){.run_id = run_id, .address = scene->address},
		&err);
	if (!scene->cluster)
		fail_msg("%s", err.text);
}

struct cluster_spec kube_scene_spec(const char *name)
{
	static const char *const env[] = {"A=b=c", "EMPTY=", NULL};

	return (struct cluster_spec){
		.name = name,
		.image = "image",
		.env = env,
		.grace_ns = 5 * CLOCK_S,
		.replicas = 2,
		.order = UPDATE_START_FIRST,
		.parallelism = 1,
		.port = 8080,
		.ready_path = "/ready",
	};
}

static unsigned count_ready(const struct cluster *cluster)
{
	unsigned count = 0;

	for (unsigned i = 0; i < cluster->task_count; i++)
		count += cluster->tasks[i].ready;
	return count;
}

static void on_changed(void *arg)
{
	struct kube_scene *scene = arg;
	unsigned ready = count_ready(scene->cluster);

	scene->changes++;
	if (ready < scene->least_ready)
		scene->least_ready = ready;
}

void kube_scene_settle(struct kube_scene *scene)
{
	until(&scene->loop, cluster_has_settled(scene->cluster));
}

void kube_scene_deploy(struct kube_scene *scene, const struct cluster_spec *spec)
{
	struct err err = {0};

	if (!cluster_deploy(scene->cluster, spec, on_changed, scene, &err))
		fail_msg("%s", err.text);
	kube_scene_settle(scene);
	scene->least_ready = count_ready(scene->cluster);
}

cJSON *kube_scene_call(struct kube_scene *scene, const char *method, const char *path,
	const char *body)
{
	struct kubernetes *kubernetes = (struct kubernetes *)scene->cluster;
	SCOPED(json_free) cJSON *json = body ? json_parse(body, strlen(body)) : NULL;
	cJSON *answer = NULL;
	struct err err = {0};

	if (!kube_api_call(kubernetes->api,
		    &(struct kube_call){.method = method,
			    .path = path,
			    .json = json,
			    .answer = &answer},
		    &err))
		fail_msg("%s %s: %s", method, path, err.text);
	return answer;
}

void kube_scene_behave(struct kube_scene *scene, const char *json)
{
	cJSON_Delete(kube_scene_call(scene, "PUT", "/control/behavior", json));
}

unsigned kube_scene_count(struct kube_scene *scene, const char *path)
{
	SCOPED(json_free) cJSON *list = kube_scene_call(scene, "GET", path, NULL);

	return (unsigned)cJSON_GetArraySize(json_get(list, "items"));
}

unsigned kube_scene_tasks(const struct kube_scene *scene, enum task_state state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < scene->cluster->task_count; i++)
		count += scene->cluster->tasks[i].state == state;
	return count;
}
