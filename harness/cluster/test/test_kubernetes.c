/* The cluster "kubernetes" against kube-fake, whose kubelet is simulated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cluster/kubernetes/kube_nodes.h"
#include "harness/cluster/kubernetes/kube_pod.h"
#include "harness/cluster/test/kube_scene.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/until.h"

#define PODS        "/api/v1/namespaces/default/pods"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"

static const struct cluster_task *first_task(const struct kube_scene *scene)
{
	return &scene->cluster->tasks[0];
}

static void deployed_pods_become_tasks(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	const struct cluster_task *task;
	SCOPED(json_free) cJSON *print = NULL;

	assert_int_equal(scene->cluster->node_count, 2);
	kube_scene_deploy(scene, &spec);
	assert_int_equal(scene->cluster->task_count, 2);
	task = first_task(scene);
	assert_int_equal(task->state, TASK_RUNNING);
	assert_true(task->ready && task->wanted);
	assert_int_equal(strlen(task->container), 64);
	assert_non_null(strstr(task->address, ":8080"));
	assert_non_null(cluster_node(scene->cluster, task->node));
	until(&scene->loop, first_task(scene)->routed_ns > 0);
	assert_ptr_equal(
		cluster_task_of_container(scene->cluster, task->container), task);
	print = cluster_fingerprint(scene->cluster);
	assert_string_equal(json_text(print, "kubelet"), "simulated kubelet");
}

static void update(struct kube_scene *scene, enum update_order order)
{
	struct cluster_spec spec = kube_scene_spec("shop");
	struct err err;

	spec.order = order;
	kube_scene_deploy(scene, &spec);
	for (unsigned i = 0; i < 2; i++)
		until(&scene->loop, scene->cluster->tasks[i].routed_ns > 0);
	assert_true(cluster_update(scene->cluster, &err));
	assert_false(cluster_has_settled(scene->cluster));
	kube_scene_settle(scene);
	assert_int_equal(scene->cluster->task_count, 4);
	/* The finalizer was taken off, and nothing is left of them. */
	until(&scene->loop, kube_scene_tasks(scene, TASK_GONE) == 2);
	assert_int_equal(kube_scene_count(scene, PODS), 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct cluster_task *task = &scene->cluster->tasks[i];

		assert_int_equal(task->exit_code, 0);
		assert_int_equal(task->ended_error_ns, CLOCK_S);
		assert_true(task->ended_wall_ns > 0);
		assert_true(
			task->unwanted_ns > 0 && task->ended_ns >= task->unwanted_ns);
		until(&scene->loop,
			scene->cluster->tasks[i].unrouted_ns >
				scene->cluster->tasks[i].routed_ns);
	}
}

static void update_start_first_never_has_too_few(void **state)
{
	struct kube_scene *scene = *state;

	update(scene, UPDATE_START_FIRST);
	assert_int_equal(scene->least_ready, 2);
}

static void update_stop_first_has_one_less(void **state)
{
	struct kube_scene *scene = *state;

	update(scene, UPDATE_STOP_FIRST);
	assert_int_equal(scene->least_ready, 1);
}

static void scale_down_and_to_zero(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	struct err err;

	spec.replicas = 4;
	kube_scene_behave(scene, "{\"exit_code\": 3}");
	kube_scene_deploy(scene, &spec);
	assert_true(cluster_scale(scene->cluster, 1, &err));
	kube_scene_settle(scene);
	assert_int_equal(kube_scene_tasks(scene, TASK_RUNNING), 1);
	assert_true(cluster_scale(scene->cluster, 0, &err));
	kube_scene_settle(scene);
	assert_int_equal(first_task(scene)->exit_code, 3);
	assert_string_equal(first_task(scene)->message, "Error");
}

static bool is_any_wanted(const struct cluster *cluster)
{
	for (unsigned i = 0; i < cluster->task_count; i++)
		if (cluster->tasks[i].wanted)
			return true;
	return false;
}

/* All that is seen of the stop is its beginning, and then what is there a second later. */
static void an_exit_code_waits_for_an_api_that_is_away(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	struct err err;

	kube_scene_behave(
		scene, "{\"exit_code\": 3, \"stop\": \"300ms\", \"watch\": \"100ms\"}");
	kube_scene_deploy(scene, &spec);
	assert_true(cluster_scale(scene->cluster, 0, &err));
	until(&scene->loop, !is_any_wanted(scene->cluster));
	kube_scene_behave(scene, "{\"unavailable\": 16}");
	until(&scene->loop, scene->cluster->unobserved[0]);
	kube_scene_settle(scene);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(scene->cluster->tasks[i].exit_code, 3);
	until(&scene->loop, kube_scene_tasks(scene, TASK_GONE) == 2);
}

static void a_kill_is_told_by_its_exit_code(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	struct err err;

	spec.replicas = 1;
	spec.grace_ns = CLOCK_S;
	kube_scene_behave(scene, "{\"stop\": \"1h\"}");
	kube_scene_deploy(scene, &spec);
	assert_true(cluster_remove(scene->cluster, &err));
	kube_scene_settle(scene);
	assert_int_equal(first_task(scene)->exit_code, 137);
	until(&scene->loop, first_task(scene)->state == TASK_GONE);
	assert_int_equal(kube_scene_count(scene, PODS), 0);
	assert_int_equal(
		kube_scene_count(scene, "/api/v1/namespaces/default/services"), 0);
}

static void nothing_is_held_by_who_has_gone(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	struct err err;

	kube_scene_behave(scene, "{\"stop\": \"1s\"}");
	kube_scene_deploy(scene, &spec);
	assert_true(cluster_remove(scene->cluster, &err));
	kube_scene_open(scene, "0badc0de");
	until(NULL, kube_scene_count(scene, PODS) == 0);
}

static void drain_waits_for_the_disruption_budget(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	SCOPED(mem_free) char *node = NULL;
	struct err err = {0};

	spec.replicas = 3;
	kube_scene_deploy(scene, &spec);
	cJSON_Delete(kube_scene_call(scene, "POST",
		"/apis/policy/v1/namespaces/default/poddisruptionbudgets",
		"{\"metadata\": {\"name\": \"b\"}, \"spec\": {\"minAvailable\": 2, "
		"\"selector\": {\"matchLabels\": {\"stopbench.service\": \"shop\"}}}}"));
	node = mem_text(first_task(scene)->node);
	if (!cluster_drain(scene->cluster, node, &err))
		fail_msg("%s", err.text);
	kube_scene_settle(scene);
	assert_false(cluster_node(scene->cluster, node)->active);
	for (unsigned i = 0; i < scene->cluster->task_count; i++)
		if (scene->cluster->tasks[i].wanted)
			assert_string_not_equal(scene->cluster->tasks[i].node, node);
	assert_true(scene->least_ready >= 2);
	assert_true(cluster_activate(scene->cluster, node, &err));
	until(&scene->loop, cluster_node(scene->cluster, node)->active);
}

/* docs/kubernetes.md has the same rules, in the same order. */
static void check_documented(const char *text)
{
	SCOPED(buf_done) struct buf document = {0};

	assert_true(fs_read_file(&document, "docs/kubernetes.md"));
	assert_non_null(strstr(buf_text(&document), strstr(text, "- {apiGroups")));
}

static void a_refusal_names_the_rules(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	struct err err;

	kube_scene_deploy(scene, &spec);
	kube_scene_behave(scene, "{\"forbidden\": \"create pods/eviction\"}");
	assert_false(cluster_drain(scene->cluster, first_task(scene)->node, &err));
	assert_non_null(strstr(err.text, "create pods/eviction is refused (HTTP 403)"));
	assert_non_null(
		strstr(err.text, "resources: [pods/eviction], verbs: [create]"));
	check_documented(err.text);
}

static void broken_streams_and_a_forgotten_version_lose_nothing(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	struct err err;

	kube_scene_behave(scene, "{\"watch\": \"30ms\"}");
	kube_scene_deploy(scene, &spec);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(cluster_update(scene->cluster, &err));
		kube_scene_behave(scene,
			i == 0           ? "{\"compacted\": true}"
				: i == 1 ? "{\"throttled\": 3}"
					 : "{\"unavailable\": 6}");
		kube_scene_settle(scene);
	}
	assert_int_equal(scene->cluster->task_count, 8);
	until(&scene->loop, kube_scene_tasks(scene, TASK_GONE) == 6);
}

static void a_pod_on_a_dead_node_has_ended_unknown(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	SCOPED(mem_free) char *behavior = NULL;
	SCOPED(mem_free) char *path = NULL;

	kube_scene_deploy(scene, &spec);
	behavior = mem_textf("{\"dead_node\": \"%s\"}", first_task(scene)->node);
	kube_scene_behave(scene, behavior);
	until(&scene->loop,
		!cluster_node(scene->cluster, first_task(scene)->node)->ready);
	path = mem_textf(PODS "/%s", first_task(scene)->name);
	cJSON_Delete(kube_scene_call(scene, "DELETE", path, NULL));
	until(&scene->loop, first_task(scene)->state == TASK_ENDED);
	assert_int_equal(first_task(scene)->exit_code, -1);
	kube_scene_settle(scene);
}

static void an_api_that_is_gone_is_told(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");

	kube_scene_deploy(scene, &spec);
	program_kill(&scene->fake);
	scene->fake = (struct program){0};
	until(&scene->loop, scene->cluster->unobserved[0]);
	assert_false(cluster_has_settled(scene->cluster));
}

static void a_service_of_others_is_found_and_not_held(void **state)
{
	static const char *const names[] = {
		"default/deployment/web", "deploy/web", "web", "deployments/web"};
	struct kube_scene *scene = *state;
	struct err err = {0};

	cJSON_Delete(kube_scene_call(scene, "POST", DEPLOYMENTS,
		"{\"metadata\": {\"name\": \"web\"}, \"spec\": {\"replicas\": 2, "
		"\"selector\": {\"matchLabels\": {\"app\": \"web\"}, \"matchExpressions\": "
		"[{\"key\": \"tier\", \"operator\": \"In\", \"values\": [\"a\", \"b\"]}]}, "
		"\"template\": {\"metadata\": {\"labels\": {\"app\": \"web\", \"tier\": "
		"\"a\"}}, \"spec\": {\"terminationGracePeriodSeconds\": 7, \"containers\": "
		"[{\"name\": \"web\", \"image\": \"web\", \"lifecycle\": {\"preStop\": "
		"{\"exec\": {\"command\": [\"x\"]}}}, \"ports\": [{\"containerPort\": "
		"80}]}]}}}}"));
	for (size_t i = 0; i < COUNT(names); i++) {
		kube_scene_open(scene, "0badc0de");
		if (!cluster_find(scene->cluster, names[i], NULL, NULL, &err))
			fail_msg("%s: %s", names[i], err.text);
		kube_scene_settle(scene);
		assert_int_equal(scene->cluster->task_count, 2);
		assert_int_equal(scene->cluster->grace_ns, 7 * CLOCK_S);
		assert_false(scene->cluster->ours);
	}
	kube_scene_behave(scene, "{\"prestop_fails\": true}");
	assert_true(cluster_update(scene->cluster, &err));
	kube_scene_settle(scene);
	assert_int_equal(scene->cluster->task_count, 4);
	assert_int_equal(first_task(scene)->exit_code, 0);
	until(&scene->loop,
		first_task(scene)->message &&
			strstr(first_task(scene)->message, "FailedPreStopHook"));
	for (size_t i = 0; i < 2; i++) {
		static const char *const wrong[] = {"statefulset/web", "nobody"};
		static const char *const words[] = {
			"services of the kind statefulset", "\"nobody\" not found"};

		kube_scene_open(scene, "0badc0de");
		assert_false(cluster_find(scene->cluster, wrong[i], NULL, NULL, &err));
		assert_non_null(strstr(err.text, words[i]));
	}
}

/* --- what a run leaves --- */

static bool is_over(const char *run_id)
{
	return !strcmp(run_id, "0badc0de");
}

static void on_said(void *arg, const char *line)
{
	assert_non_null(strstr(line, "0badc0de"));
	++*(unsigned *)arg;
}

static void clean_takes_what_is_over_and_nothing_else(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop"),
			    other = kube_scene_spec("other");
	struct err err = {0};
	unsigned said = 0;
	int removed;

	kube_scene_deploy(scene, &spec);
	assert_true(cluster_drain(scene->cluster, "node-1", &err));
	kube_scene_settle(scene);
	kube_scene_open(scene, "600df00d");
	kube_scene_deploy(scene, &other);
	removed = cluster_clean(scene->cluster, is_over, on_said, &said, &err);
	if (removed < 0)
		fail_msg("%s", err.text);
	assert_int_equal(removed, (int)said);
	/* A deployment, a service, two pods, a cordon; and a pod that is still leaving. */
	assert_true(removed >= 5);
	assert_int_equal(kube_scene_count(scene, DEPLOYMENTS), 1);
	until(NULL, kube_scene_count(scene, PODS) == 2);
	until(&scene->loop, cluster_node(scene->cluster, "node-1")->active);
	assert_int_equal(
		cluster_clean(scene->cluster, is_over, on_said, &said, &err), 0);
}

/* --- how it is reached --- */

static void kubectl_proxy_is_started_and_ended(void **state)
{
	struct kube_scene *scene = *state;
	struct cluster_spec spec = kube_scene_spec("shop");
	char *address = scene->address;

	if (system("command -v kubectl >/dev/null") != 0)
		skip();
	setenv("KUBECONFIG", scene->kubeconfig, true);
	scene->address = NULL;
	kube_scene_open(scene, "0badc0de");
	kube_scene_deploy(scene, &spec);
	assert_int_equal(kube_scene_tasks(scene, TASK_RUNNING), 2);
	kube_scene_close(scene);
	scene->address = address;
	unsetenv("KUBECONFIG");
}

static bool opens(struct kube_scene *scene, const char *address, struct err *err)
{
	struct cluster *cluster = cluster_create(&scene->loop, "kubernetes",
		&(struct cluster_options){.run_id = "0badc0de", .address = address},
		err);

	cluster_destroy(cluster);
	return cluster != NULL;
}

static void what_cannot_be_reached_says_how_it_was_tried(void **state)
{
	struct kube_scene *scene = *state;
	struct err err;

	assert_false(opens(scene, "unix:///nowhere.sock", &err));
	assert_non_null(strstr(err.text, "no Kubernetes API at unix:///nowhere.sock"));
	assert_false(opens(scene, "tcp://1.2.3.4", &err));
	assert_non_null(strstr(err.text, "expected unix:///PATH"));
	setenv("HOME", "/nowhere", true);
	unsetenv("KUBECONFIG");
	assert_false(opens(scene, NULL, &err));
	assert_non_null(strstr(err.text, "there is no kubeconfig"));
	kube_scene_behave(scene, "{\"token\": \"secret\"}");
	assert_false(opens(scene, scene->address, &err));
	assert_non_null(strstr(err.text, "HTTP 401"));
}

#define SCENE(test)                                                                    \
	cmocka_unit_test_setup_teardown(test, kube_scene_setup, kube_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(deployed_pods_become_tasks),
		SCENE(update_start_first_never_has_too_few),
		SCENE(update_stop_first_has_one_less),
		SCENE(scale_down_and_to_zero),
		SCENE(an_exit_code_waits_for_an_api_that_is_away),
		SCENE(a_kill_is_told_by_its_exit_code),
		SCENE(nothing_is_held_by_who_has_gone),
		SCENE(drain_waits_for_the_disruption_budget),
		SCENE(a_refusal_names_the_rules),
		SCENE(broken_streams_and_a_forgotten_version_lose_nothing),
		SCENE(a_pod_on_a_dead_node_has_ended_unknown),
		SCENE(an_api_that_is_gone_is_told),
		SCENE(a_service_of_others_is_found_and_not_held),
		SCENE(clean_takes_what_is_over_and_nothing_else),
		SCENE(kubectl_proxy_is_started_and_ended),
		SCENE(what_cannot_be_reached_says_how_it_was_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
