/* What Kubernetes says, as the harness reads it, and what the harness says to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cluster/kubernetes/kube_access.h"
#include "harness/cluster/kubernetes/kube_deployment.h"
#include "harness/cluster/kubernetes/kube_pod.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"

/* JSON with single quotes. */
static cJSON *quoted(const char *text)
{
	SCOPED(mem_free) char *copy = mem_text(text);
	cJSON *json;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	json = json_parse(copy, strlen(copy));
	assert_non_null(json);
	return json;
}

#define RUNNING "{'name':'a','containerID':'containerd://abc','state':{'running':{}}}"
#define ENDED(code, reason)                                                            \
	"{'name':'a','containerID':'containerd://abc','state':{'terminated':{"         \
	"'exitCode':" code ",'reason':'" reason                                        \
	"','finishedAt':'2026-11-30T21:00:07Z'}}}"
#define POD(meta, status)                                                              \
	"{'metadata':{'uid':'u','name':'p'" meta                                       \
	"},'spec':{'nodeName':'n','containers'"                                        \
	":[{'name':'a'},{'name':'b'}]},'status':{" status "}}"
#define LEAVING ",'deletionTimestamp':'2026-11-30T21:00:30Z'"
#define READY   ",'conditions':[{'type':'Ready','status':'True'}]"

static const struct {
	const char *pod;
	enum task_state state;
	bool wanted, ready, is_final;
	int exit_code;
	const char *message; /* NULL: none */
	const char *why;
} pods[] = {
	{POD("", "'phase':'Pending'"), TASK_PENDING, true, false, false, -1, NULL,
		"nothing is known of its containers yet"},
	{POD("",
		 "'phase':'Pending','containerStatuses':[{'name':'a','state':{'waiting':"
		 "{'reason':'ImagePullBackOff','message':'no'}}}]"),
		TASK_PENDING, true, false, false, -1, "ImagePullBackOff: no",
		"why it does not start"},
	{POD("", "'phase':'Running','containerStatuses':[" RUNNING "]" READY),
		TASK_RUNNING, true, true, false, -1, NULL, "it runs and is ready"},
	{POD(LEAVING, "'phase':'Running','containerStatuses':[" RUNNING "]" READY),
		TASK_RUNNING, false, true, false, -1, NULL,
		"it is being stopped, its container runs"},
	{POD(LEAVING,
		 "'phase':'Running','containerStatuses':[" ENDED("137",
			 "Error") ","
				  "{'name':'b','containerID':'containerd://d','state':{'running':{}}}]"),
		TASK_ENDED, false, false, false, 137, "Error",
		"the other container runs still: it is not final"},
	{POD(LEAVING,
		 "'phase':'Failed','containerStatuses':[" ENDED(
			 "137", "OOMKilled") "]"),
		TASK_ENDED, false, false, true, 137, "OOMKilled", "all have ended"},
	{POD("",
		 "'phase':'Succeeded','containerStatuses':[" ENDED(
			 "0", "Completed") "]"),
		TASK_ENDED, true, false, false, 0, NULL,
		"Completed is no message; it was not asked to go"},
	{POD("", "'phase':'Running','containerStatuses':[" ENDED("1", "Error") "]"),
		TASK_PENDING, true, false, false, -1, "Error",
		"between two runs in one pod it has not ended"},
	{POD("",
		 "'phase':'Running','containerStatuses':[{'name':'a','restartCount':2,"
		 "'state':{'running':{}},'lastState':{'terminated':{'exitCode':137,"
		 "'reason':'OOMKilled'}}}]"),
		TASK_RUNNING, true, false, false, -1,
		"restarted in its pod: 2 times, the last run ended with 137 (OOMKilled)",
		"restarts are told"},
	{POD(LEAVING, "'phase':'Pending'"), TASK_PENDING, false, false, true, -1, NULL,
		"it never ran: nothing is to come"},
	{POD(LEAVING ",'deletionGracePeriodSeconds':0",
		 "'phase':'Running','containerStatuses':[" RUNNING "]"),
		TASK_RUNNING, false, false, true, -1, NULL,
		"its kubelet is done, or forced"},
	{POD("", "'phase':'Failed','reason':'Evicted','message':'low on memory'"),
		TASK_ENDED, true, false, false, -1, "Evicted: low on memory",
		"evicted by its node"},
	{POD(",'annotations':{'kubectl.kubernetes.io/default-container':'b'}",
		 "'phase':'Running','containerStatuses':[" RUNNING
		 ",{'name':'b','state':{'waiting':{}}}]"),
		TASK_PENDING, true, false, false, -1, NULL,
		"the container that counts"},
};

static void pods_are_read(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(pods); i++) {
		SCOPED(json_free) cJSON *json = quoted(pods[i].pod);
		struct kube_pod pod;

		kube_pod_read(&pod, json, 80);
		if (pod.sight.state != pods[i].state ||
			pod.sight.wanted != pods[i].wanted ||
			pod.sight.ready != pods[i].ready ||
			pod.is_final != pods[i].is_final ||
			pod.sight.exit_code != pods[i].exit_code ||
			strcmp(pod.message, pods[i].message ? pods[i].message : ""))
			fail_msg("%s: %d %d %d %d %d \"%s\"", pods[i].why,
				pod.sight.state, pod.sight.wanted, pod.sight.ready,
				pod.is_final, pod.sight.exit_code, pod.message);
	}
}

static void ids_addresses_and_times_are_read(void **state UNUSED)
{
	SCOPED(json_free)
	cJSON *json = quoted(POD(LEAVING,
		"'phase':'Failed','podIP':'fd00::7','containerStatuses':[" ENDED(
			"2", "Error") "]"));
	struct kube_pod pod;

	kube_pod_read(&pod, json, 80);
	assert_string_equal(pod.sight.container, "abc");
	assert_string_equal(pod.sight.address, "[fd00::7]:80");
	assert_string_equal(pod.sight.node, "n");
	assert_int_equal(pod.sight.ended_wall_ns, INT64_C(1796072407) * CLOCK_S);
	assert_int_equal(pod.sight.ended_error_ns, CLOCK_S);
}

static void only_our_finalizer_is_taken_off(void **state UNUSED)
{
	SCOPED(json_free)
	cJSON *json = quoted(POD(",'finalizers':['other/x','" KUBE_HOLD "']", ""));
	SCOPED(json_free) cJSON *patch = NULL;
	SCOPED(json_free)
	cJSON *wanted = quoted(
		"[{'op':'test','path':'/metadata/finalizers/1','value':'" KUBE_HOLD
		"'},{'op':'remove','path':'/metadata/finalizers/1'}]");
	struct kube_pod pod;

	kube_pod_read(&pod, json, 0);
	assert_true(pod.held);
	patch = kube_pod_release_patch(&pod);
	assert_true(cJSON_Compare(patch, wanted, true));
}

static const struct {
	const char *event, *words;
} events[] = {
	{"{'reason':'ExceededGracePeriod','message':'m'}", "ExceededGracePeriod: m"},
	{"{'reason':'FailedPreStopHook','message':'m'}", "FailedPreStopHook: m"},
	{"{'reason':'Killing','message':'Stopping container web'}", NULL},
	{"{'reason':'Killing','message':'Container web failed liveness probe, will be "
	 "restarted'}",
		"Killing: Container web failed liveness probe, will be restarted"},
	{"{'reason':'Pulled','message':'m'}", NULL},
	{"{}", NULL},
};

static void events_that_say_why_are_told(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(events); i++) {
		SCOPED(json_free) cJSON *json = quoted(events[i].event);
		SCOPED(mem_free) char *words = kube_pod_event_words(json);

		if (!words || !events[i].words)
			assert_true(words == NULL && events[i].words == NULL);
		else
			assert_string_equal(words, events[i].words);
	}
}

#define STATUS(generation, text)                                                       \
	"{'metadata':{'generation':" generation                                        \
	"},'spec':{'replicas':3},'status':{" text "}}"

/* As kubectl's rollout_status.go decides. */
static const struct {
	const char *deployment;
	bool is_done, stuck;
	const char *why;
} rollouts[] = {
	{STATUS("2",
		 "'observedGeneration':2,'replicas':3,'updatedReplicas':3,"
		 "'availableReplicas':3"),
		true, false, "all are new and available"},
	{STATUS("3",
		 "'observedGeneration':2,'replicas':3,'updatedReplicas':3,"
		 "'availableReplicas':3"),
		false, false, "the status is of an older spec"},
	{STATUS("2",
		 "'observedGeneration':2,'replicas':3,'updatedReplicas':2,"
		 "'availableReplicas':3"),
		false, false, "one is old"},
	{STATUS("2",
		 "'observedGeneration':2,'replicas':4,'updatedReplicas':3,"
		 "'availableReplicas':4"),
		false, false, "an old one is pending termination"},
	{STATUS("2",
		 "'observedGeneration':2,'replicas':3,'updatedReplicas':3,"
		 "'availableReplicas':2,'unavailableReplicas':1"),
		false, false, "one is not available"},
	{STATUS("2", ""), false, false, "it has no status yet"},
	{STATUS("2",
		 "'observedGeneration':2,'conditions':[{'type':'Progressing','status':"
		 "'False','reason':'ProgressDeadlineExceeded','message':'m'}]"),
		false, true, "its deadline has passed"},
};

static void rollouts_are_done_as_kubectl_decides(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(rollouts); i++) {
		SCOPED(json_free) cJSON *json = quoted(rollouts[i].deployment);
		struct kube_deployment deployment;

		kube_deployment_read(&deployment, json);
		if (kube_deployment_is_done(&deployment) != rollouts[i].is_done ||
			deployment.stuck != rollouts[i].stuck)
			fail_msg("%s", rollouts[i].why);
	}
}

static void a_spec_becomes_a_deployment(void **state UNUSED)
{
	static const char *const env[] = {"A=b=c", "NAKED", NULL};
	const struct cluster_spec spec = {.name = "shop",
		.image = "i",
		.env = env,
		.stop_signal = "SIGINT",
		.grace_ns = 1500 * CLOCK_MS,
		.replicas = 4,
		.order = UPDATE_STOP_FIRST,
		.parallelism = 2,
		.delay_ns = 100 * CLOCK_MS,
		.port = 80,
		.ready_path = "/ready"};
	SCOPED(json_free) cJSON *json = kube_deployment_json(&spec, "0badc0de");
	const cJSON *pod = json_at(json, "spec.template.spec");
	const cJSON *container = json_at(pod, "containers.0");

	assert_int_equal(json_int(pod, "terminationGracePeriodSeconds", 0), 2);
	assert_int_equal(json_int(json_get(json, "spec"), "minReadySeconds", 0), 1);
	assert_int_equal(json_int(json_at(json, "spec.strategy.rollingUpdate"),
				 "maxUnavailable", 0),
		2);
	assert_int_equal(
		json_int(json_at(json, "spec.strategy.rollingUpdate"), "maxSurge", -1),
		0);
	assert_string_equal(json_text(container, "imagePullPolicy"), "Never");
	assert_string_equal(
		json_text(json_get(container, "lifecycle"), "stopSignal"), "SIGINT");
	assert_string_equal(json_text(json_get(pod, "os"), "name"), "linux");
	assert_string_equal(json_text(json_at(container, "env.0"), "value"), "b=c");
	assert_string_equal(json_text(json_at(container, "env.1"), "value"), "");
	assert_string_equal(
		json_at(json, "spec.template.metadata.finalizers.0")->valuestring,
		KUBE_HOLD);
}

static void selectors_become_queries(void **state UNUSED)
{
	SCOPED(json_free)
	cJSON *json =
		quoted("{'spec':{'selector':{'matchLabels':{'a':'b'},"
		       "'matchExpressions':[{'key':'t','operator':'NotIn','values':"
		       "['x','y']},{'key':'e','operator':'Exists'},{'key':'n',"
		       "'operator':'DoesNotExist'}]}}}");
	SCOPED(json_free) cJSON *empty = quoted("{'spec':{'selector':{}}}");
	struct err err;
	SCOPED(mem_free) char *selector = kube_deployment_selector(json, &err);

	assert_string_equal(selector, "a=b,t notin (x,y),e,!n");
	assert_null(kube_deployment_selector(empty, &err));
}

static void write_file(const char *folder, const char *name, const char *text)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, name);
	struct err err;

	assert_true(fs_replace_file(path, text, strlen(text), &err));
}

static void a_pods_token_is_read_again(void **state UNUSED)
{
	char *folder = temp_dir_create();
	struct kube_access account = {0}, nothing = {0};
	SCOPED(mem_free) char *first = NULL;
	SCOPED(mem_free) char *second = NULL;
	struct err err;

	assert_false(kube_access_read_account(&nothing, folder, &err));
	assert_non_null(strstr(err.text, "the service account's token"));
	write_file(folder, "token", "one\n");
	write_file(folder, "ca.crt", "certificate");
	write_file(folder, "namespace", "shop");
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", true);
	setenv("KUBERNETES_SERVICE_PORT", "6443", true);
	assert_true(kube_access_read_account(&account, folder, &err));
	assert_string_equal(account.base, "https://[fd00::1]:6443");
	assert_string_equal(account.namespace, "shop");
	first = kube_access_authorization(&account);
	assert_string_equal(first, "Authorization: Bearer one");
	write_file(folder, "token", "two\n");
	second = kube_access_authorization(&account);
	assert_string_equal(second, "Authorization: Bearer two");
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	kube_access_close(&account);
	kube_access_close(&nothing);
	temp_dir_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_are_read),
		cmocka_unit_test(ids_addresses_and_times_are_read),
		cmocka_unit_test(only_our_finalizer_is_taken_off),
		cmocka_unit_test(events_that_say_why_are_told),
		cmocka_unit_test(rollouts_are_done_as_kubectl_decides),
		cmocka_unit_test(a_spec_becomes_a_deployment),
		cmocka_unit_test(selectors_become_queries),
		cmocka_unit_test(a_pods_token_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
