/* On a real swarm of two nodes (swarm_scene.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cluster/swarm/swarm.h"
#include "harness/cluster/swarm/swarm_object.h"
#include "harness/cluster/task_list.h"
#include "harness/cluster/test/swarm_scene.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "test/support/until.h"

static bool accepts(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	const char *colon = strchr(address, ':');
	SCOPED(mem_free)
	char *host = mem_textf("%.*s", (int)(colon - address), address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	to.sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
	inet_pton(AF_INET, host, &to.sin_addr);
	ok = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
	close(fd);
	return ok;
}

static void assert_ok(bool ok, const struct err *err)
{
	if (!ok)
		print_error("%s\n", err->text);
	assert_true(ok);
}

/* The tasks that were there first: all have ended as the kernel's exit code says. */
static void assert_stopped(const struct cluster *cluster, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];

		assert_false(task->wanted);
		assert_true(task->state == TASK_ENDED || task->state == TASK_GONE);
		assert_true(task->created_ns <= task->running_ns);
		assert_true(task->running_ns <= task->unwanted_ns);
		assert_true(task->unwanted_ns <= task->ended_ns);
	}
}

static void a_service_runs_on_both_nodes(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster *cluster = scene->cluster;
	struct cluster_spec spec = swarm_scene_spec(scene);

	assert_int_equal(cluster->node_count, 2);
	assert_true(cluster_node(cluster, "n1")->manager);
	assert_false(cluster_node(cluster, "n2")->manager);
	assert_null(cluster_node(cluster, "n3"));
	swarm_scene_deploy(scene, &spec);
	assert_int_equal(swarm_scene_ready(scene, "n1"), 2);
	assert_int_equal(swarm_scene_ready(scene, "n2"), 2);
	assert_int_equal(cluster->task_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		const struct cluster_task *task;

		/* Without a health check it is ready when it runs, and listens later. */
		until(NULL, accepts(cluster->tasks[i].address));
		task = &cluster->tasks[i];
		assert_int_equal(strlen(task->container), 64);
		assert_ptr_equal(
			cluster_task_of_container(cluster, task->container), task);
		assert_int_equal(task->exit_code, -1);
	}
}

static void update(struct swarm_scene *scene, enum update_order order)
{
	struct cluster_spec spec = swarm_scene_spec(scene);
	struct err err = {0};

	spec.order = order;
	swarm_scene_deploy(scene, &spec);
	assert_ok(cluster_update(scene->cluster, &err), &err);
	assert_false(cluster_has_settled(scene->cluster));
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_string_equal(scene->cluster->gave_up, "");
	assert_int_equal(scene->cluster->task_count, 8);
	assert_stopped(scene->cluster, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(scene->cluster->tasks[i].exit_code, 0);
		assert_true(scene->cluster->tasks[i].ended_wall_ns > 0);
	}
	assert_int_equal(swarm_scene_ready(scene, NULL), 4);
}

static void start_first_never_has_fewer(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);

	update(scene, UPDATE_START_FIRST);
	assert_int_equal(scene->least_ready, 4);
}

static void stop_first_has_one_fewer(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);

	update(scene, UPDATE_STOP_FIRST);
	assert_int_equal(scene->least_ready, 3);
	/* And once more: nothing of the first update is taken for the second. */
	assert_ok(cluster_update(scene->cluster, &(struct err){0}), &(struct err){0});
	assert_false(cluster_has_settled(scene->cluster));
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_int_equal(scene->cluster->task_count, 12);
	assert_stopped(scene->cluster, 8);
}

static void scaled_down_and_to_zero(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);
	struct err err = {0};

	swarm_scene_deploy(scene, &spec);
	assert_ok(cluster_scale(scene->cluster, 2, &err), &err);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_int_equal(swarm_scene_ready(scene, NULL), 2);
	assert_ok(cluster_scale(scene->cluster, 0, &err), &err);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_int_equal(scene->cluster->task_count, 4);
	assert_stopped(scene->cluster, 4);
	assert_ok(cluster_scale(scene->cluster, 1, &err), &err);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_int_equal(swarm_scene_ready(scene, NULL), 1);
}

static void a_drained_node_is_left(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);
	struct err err = {0};

	swarm_scene_deploy(scene, &spec);
	assert_ok(cluster_drain(scene->cluster, "n2", &err), &err);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_int_equal(swarm_scene_ready(scene, "n1"), 4);
	assert_int_equal(swarm_scene_ready(scene, "n2"), 0);
	assert_false(cluster_drain(scene->cluster, "n2", &err));
	assert_non_null(strstr(err.text, "drained already"));
	assert_ok(cluster_activate(scene->cluster, "n2", &err), &err);
	assert_ok(cluster_refresh_nodes(scene->cluster, &err), &err);
	assert_true(cluster_node(scene->cluster, "n2")->active);
	assert_false(cluster_drain(scene->cluster, "n7", &err));
	assert_string_equal(
		err.text, "drain n7: there is no node \"n7\": there are n1, n2");
}

static void a_removed_service_is_gone(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);
	struct err err = {0};

	swarm_scene_deploy(scene, &spec);
	assert_ok(cluster_remove(scene->cluster, &err), &err);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_stopped(scene->cluster, 4);
	assert_string_equal(scene->cluster->gave_up, "");
}

static void a_dead_node_is_replaced(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);

	swarm_scene_deploy(scene, &spec);
	swarm_scene_run("swarm-kill", "n2");
	SWARM_UNTIL(scene, !cluster_node(scene->cluster, "n2")->ready);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_int_equal(swarm_scene_ready(scene, "n1"), 4);
	for (unsigned i = 0; i < scene->cluster->task_count; i++) {
		const struct cluster_task *task = &scene->cluster->tasks[i];

		if (strcmp(task->node, "n2") != 0)
			continue;
		assert_int_equal(task->state, TASK_ENDED);
		assert_int_equal(task->exit_code, -1);
		assert_non_null(strstr(task->message, "not heard of"));
	}
	swarm_scene_run("swarm-start", "n2");
	SWARM_UNTIL(scene, cluster_node(scene->cluster, "n2")->ready);
}

/* The manager dies with its node and its containers, and comes back. */
static void a_manager_that_goes_is_told_and_waited_for(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);
	struct err err = {0};
	pid_t starter;
	int status;

	swarm_scene_deploy(scene, &spec);
	swarm_scene_run("swarm-kill", "n1");
	SWARM_UNTIL(scene, scene->cluster->unobserved[0]);
	assert_non_null(strstr(scene->cluster->unobserved, "onnect"));
	assert_false(cluster_has_settled(scene->cluster));
	starter = fork();
	if (starter == 0) {
		swarm_scene_run("swarm-start", "n1");
		_exit(0);
	}
	assert_ok(cluster_scale(scene->cluster, 2, &err), &err);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_string_equal(scene->cluster->unobserved, "");
	assert_int_equal(swarm_scene_ready(scene, NULL), 2);
	assert_int_equal(waitpid(starter, &status, 0), starter);
	assert_int_equal(status, 0);
}

/* What dockerd of the manager says while it is stopped: nothing. */
static void signal_manager(int number)
{
	SCOPED(mem_free)
	char *path = mem_textf("%s/n1/docker.pid", getenv("STOPBENCH_SWARM"));
	FILE *file = fopen(path, "re");
	int pid = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	assert_int_equal(kill(pid, number), 0);
}

static void a_manager_that_is_silent_is_told(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);

	swarm_scene_deploy(scene, &spec);
	signal_manager(SIGSTOP);
	SWARM_UNTIL(scene, scene->cluster->unobserved[0]);
	signal_manager(SIGCONT);
	assert_non_null(strstr(scene->cluster->unobserved, "no whole answer"));
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_string_equal(scene->cluster->unobserved, "");
	assert_int_equal(scene->cluster->task_count, 4);
}

static bool break_program(
	struct swarm_object *object, const void *arg UNUSED, struct err *err)
{
	return json_put_at(object->spec, "TaskTemplate.ContainerSpec.Command.0",
		cJSON_CreateString("no-such-program"), err);
}

static void an_update_that_swarm_gives_up_is_told(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct swarm *swarm = (struct swarm *)scene->cluster;
	struct cluster_spec spec = swarm_scene_spec(scene);
	SCOPED(mem_free) char *path = NULL;
	struct err err = {0};

	swarm_scene_deploy(scene, &spec);
	path = mem_textf("/services/%s", swarm->service_id);
	assert_ok(swarm_object_change(swarm, path, break_program, NULL, &err), &err);
	SWARM_UNTIL(scene, scene->cluster->gave_up[0]);
	assert_non_null(strstr(scene->cluster->gave_up, "update paused"));
	/* The next action is judged by itself. */
	assert_ok(cluster_scale(scene->cluster, 3, &err), &err);
	assert_string_equal(scene->cluster->gave_up, "");
}

static const char *message_of(const struct cluster *cluster)
{
	for (unsigned i = 0; i < cluster->task_count; i++)
		if (cluster->tasks[i].message)
			return cluster->tasks[i].message;
	return NULL;
}

static void a_task_that_never_starts_says_why(void **state)
{
	static const char *const missing[] = {"no-such-program", NULL};
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);
	struct err err = {0};

	spec.entrypoint = missing;
	assert_ok(cluster_deploy(scene->cluster, &spec, NULL, NULL, &err), &err);
	SWARM_UNTIL(scene, message_of(scene->cluster));
	assert_non_null(strstr(message_of(scene->cluster), "no-such-program"));
	for (unsigned i = 0; i < scene->cluster->task_count; i++)
		assert_true(!scene->cluster->tasks[i].ended_ns ||
			!scene->cluster->tasks[i].unwanted_ns);
	assert_false(cluster_has_settled(scene->cluster));
}

static void an_overlay_network_is_the_runs(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);

	spec.overlay = true;
	swarm_scene_deploy(scene, &spec);
	for (unsigned i = 0; i < 4; i++)
		assert_true(accepts(scene->cluster->tasks[i].address));
	/* The service and the network. */
	assert_int_equal(swarm_scene_clean(scene, scene->run_id), 2);
	assert_int_equal(swarm_scene_clean(scene, scene->run_id), 0);
	SWARM_UNTIL(scene, scene->cluster->gave_up[0]);
	assert_non_null(strstr(scene->cluster->gave_up, "removed by somebody else"));
}

static void what_cannot_be_had_is_an_error(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct cluster_spec spec = swarm_scene_spec(scene);
	SCOPED(mem_free) char *worker =
		mem_textf("unix://%s/n2/docker.sock", getenv("STOPBENCH_SWARM"));
	struct err err = {0};

	assert_null(cluster_create(&scene->loop, "swarm",
		&(struct cluster_options){.run_id = "x", .address = worker}, &err));
	assert_non_null(strstr(err.text, "is a worker of its swarm"));
	assert_null(cluster_create(
		&scene->loop, "nomad", &(struct cluster_options){.run_id = "x"}, &err));
	assert_non_null(strstr(err.text, "no orchestrator \"nomad\""));
	spec.image = "no-such-image:1";
	assert_false(cluster_deploy(scene->cluster, &spec, NULL, NULL, &err));
	assert_non_null(strstr(err.text, "there is no image no-such-image:1"));
}

/* A service of somebody else, made with Docker's own command line. */
static void a_service_that_exists_keeps_its_settings(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	struct docker_api *api = ((struct swarm *)scene->cluster)->api;
	SCOPED(mem_free) char *path = mem_textf("/services/%s", scene->service);
	SCOPED(mem_free) char *text = NULL;
	SCOPED(json_free) cJSON *config = json_fill(NULL,
		"{'Name': %s, 'TaskTemplate': {'ContainerSpec': {'Image': "
		"'stopbench-programs:latest', 'Command': ['service'], "
		"'StopSignal': 'SIGINT', 'StopGracePeriod': 7000000000}}, "
		"'Mode': {'Replicated': {'Replicas': 2}}, "
		"'Labels': {'stopbench.run': %s, 'theirs': 'yes'}}",
		scene->service, scene->run_id);
	struct err err = {0};

	/* Past 2^53, and odd. */
	assert_ok(json_put_at(config, "TaskTemplate.RestartPolicy.MaxAttempts",
			  cJSON_CreateRaw("9007199254740993"), &err),
		&err);
	cJSON_AddStringToObject(cJSON_GetObjectItem(config, "Labels"), "stopbench.home",
		json_text(((struct swarm *)scene->cluster)->labels, "stopbench.home"));
	assert_ok(docker_api_call(api,
			  &(struct docker_call){.method = "POST",
				  .path = "/services/create",
				  .json = config},
			  &err),
		&err);
	assert_ok(cluster_find(scene->cluster, scene->service, NULL, NULL, &err), &err);
	assert_int_equal(scene->cluster->grace_ns, 7 * CLOCK_S);
	assert_string_equal(scene->cluster->stop_signal, "SIGINT");
	assert_int_equal(scene->cluster->replicas, 2);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_ok(cluster_update(scene->cluster, &err), &err);
	SWARM_UNTIL(scene, cluster_has_settled(scene->cluster));
	assert_ok(docker_api_call(api,
			  &(struct docker_call){.path = path, .text = &text}, &err),
		&err);
	assert_non_null(strstr(text, "\"MaxAttempts\":9007199254740993"));
	assert_non_null(strstr(text, "\"theirs\":\"yes\""));
	assert_non_null(strstr(text, "\"ForceUpdate\":1"));
}

/* A run that is killed with its service up and a node drained. */
static pid_t begin_run(const char *run_id, const char *service, int ready)
{
	pid_t pid = fork();
	SCOPED(mem_free) char *address = NULL;
	struct cluster *cluster;
	struct cluster_spec spec;
	struct err err;
	uv_loop_t loop;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	uv_loop_init(&loop);
	address = swarm_scene_manager();
	cluster = cluster_create(&loop, "swarm",
		&(struct cluster_options){.run_id = run_id, .address = address}, &err);
	spec = swarm_scene_spec(&(struct swarm_scene){0});
	spec.name = service;
	spec.overlay = true;
	if (!cluster || !cluster_deploy(cluster, &spec, NULL, NULL, &err) ||
		!cluster_drain(cluster, "n2", &err)) {
		fprintf(stderr, "%s\n", err.text);
		_exit(1);
	}
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		uv_run(&loop, UV_RUN_ONCE);
}

static void what_a_killed_run_left_is_removed(void **state)
{
	struct swarm_scene *scene = swarm_scene_of(state);
	SCOPED(mem_free) char *other = mem_textf("%s-killed", scene->run_id);
	SCOPED(mem_free) char *service = mem_textf("%s-killed", scene->service);
	struct err err = {0};
	int ready[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = begin_run(other, service, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_ok(cluster_refresh_nodes(scene->cluster, &err), &err);
	assert_false(cluster_node(scene->cluster, "n2")->active);
	/* Of another run that goes on nothing is removed. */
	assert_int_equal(swarm_scene_clean(scene, scene->run_id), 0);
	assert_int_equal(swarm_scene_clean(scene, other), 3);
	assert_ok(cluster_refresh_nodes(scene->cluster, &err), &err);
	assert_true(cluster_node(scene->cluster, "n2")->active);
	assert_false(cluster_find(scene->cluster, service, NULL, NULL, &err));
	assert_non_null(strstr(err.text, "not found"));
}

#define SCENE(test)                                                                    \
	cmocka_unit_test_setup_teardown(test, swarm_scene_open, swarm_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_service_runs_on_both_nodes),
		SCENE(start_first_never_has_fewer),
		SCENE(stop_first_has_one_fewer),
		SCENE(scaled_down_and_to_zero),
		SCENE(a_drained_node_is_left),
		SCENE(a_removed_service_is_gone),
		SCENE(a_task_that_never_starts_says_why),
		SCENE(an_update_that_swarm_gives_up_is_told),
		SCENE(a_manager_that_is_silent_is_told),
		SCENE(an_overlay_network_is_the_runs),
		SCENE(what_cannot_be_had_is_an_error),
		SCENE(a_service_that_exists_keeps_its_settings),
		SCENE(what_a_killed_run_left_is_removed),
		SCENE(a_dead_node_is_replaced),
		SCENE(a_manager_that_goes_is_told_and_waited_for),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
