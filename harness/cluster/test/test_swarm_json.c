/* Swarm's JSON in both directions, with what a manager of Docker 20.10.24 answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/cluster/swarm/swarm_nodes.h"
#include "harness/cluster/swarm/swarm_object.h"
#include "harness/cluster/swarm/swarm_service.h"
#include "harness/cluster/swarm/swarm_tasks.h"
#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* --- a service that is created --- */

static void a_service_is_written_as_the_api_has_it(void **state UNUSED)
{
	static const char *const entrypoint[] = {"service", NULL};
	static const char *const command[] = {"--quiet", NULL};
	static const char *const env[] = {"HOST=0.0.0.0", "PORT=8080", NULL};
	const struct cluster_spec spec = {
		.name = "web",
		.image = "stopbench-programs:latest",
		.entrypoint = entrypoint,
		.command = command,
		.env = env,
		.stop_signal = "SIGINT",
		.grace_ns = 5 * CLOCK_S,
		.replicas = 4,
		.order = UPDATE_START_FIRST,
		.parallelism = 2,
		.delay_ns = 500 * CLOCK_MS,
		.port = 8080,
	};
	SCOPED(json_free) cJSON *labels = json_fill(NULL, "{'stopbench.run': 'r1'}");
	SCOPED(json_free)
	cJSON *json = swarm_service_spec(&spec, "sha256:288a", "net1", labels);
	SCOPED(mem_free) char *text = json_print(json);

	assert_string_equal(text,
		"{\"Name\":\"web\",\"Mode\":{\"Replicated\":{\"Replicas\":4}},"
		"\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"sha256:288a\","
		"\"Init\":false,\"Command\":[\"service\"],\"Args\":[\"--quiet\"],"
		"\"Env\":[\"HOST=0.0.0.0\",\"PORT=8080\"],\"StopSignal\":\"SIGINT\","
		"\"StopGracePeriod\":5000000000,\"Labels\":{\"stopbench.run\":\"r1\"}},"
		"\"Networks\":[{\"Target\":\"net1\"}]},"
		"\"Labels\":{\"stopbench.run\":\"r1\"},"
		"\"UpdateConfig\":{\"Parallelism\":2,\"FailureAction\":\"pause\","
		"\"Order\":\"start-first\",\"Delay\":500000000,\"Monitor\":1000000000},"
		"\"EndpointSpec\":{\"Mode\":\"dnsrr\",\"Ports\":[{\"Protocol\":\"tcp\","
		"\"TargetPort\":8080,\"PublishMode\":\"host\"}]}}");
}

static void the_images_own_is_not_written(void **state UNUSED)
{
	const struct cluster_spec spec = {
		.name = "web",
		.replicas = 1,
		.parallelism = 1,
		.port = 80,
		.publish = PUBLISH_MESH,
	};
	SCOPED(json_free) cJSON *labels = json_fill(NULL, "{'stopbench.run': 'r1'}");
	SCOPED(json_free)
	cJSON *json = swarm_service_spec(&spec, "sha256:288a", NULL, labels);
	const cJSON *inside = json_at(json, "TaskTemplate.ContainerSpec");

	assert_null(json_get(inside, "Command"));
	assert_null(json_get(inside, "Args"));
	assert_null(json_get(inside, "Env"));
	assert_null(json_get(inside, "StopSignal"));
	assert_null(json_at(json, "TaskTemplate.Networks"));
	assert_string_equal(json_text(json_get(json, "EndpointSpec"), "Mode"), "vip");
	assert_string_equal(
		json_text(json_at(json, "EndpointSpec.Ports.0"), "PublishMode"),
		"ingress");
}

/* --- a service that is changed --- */

static const char service[] =
	"{\"ID\":\"hifzfqp5prue1asmb3qzlicf2\",\"Version\":{\"Index\":17},"
	"\"CreatedAt\":\"2026-11-30T21:16:54.968779894Z\",\"Spec\":{\"Name\":\"web\","
	"\"Labels\":{\"theirs\":\"yes\"},\"TaskTemplate\":{\"ContainerSpec\":{"
	"\"Image\":\"shop/api:1.2@sha256:288a\",\"StopGracePeriod\":5000000000,"
	"\"StopSignal\":\"SIGQUIT\",\"Isolation\":\"default\"},\"Resources\":{\"Limits\":{"
	"\"MemoryBytes\":9223372036854771712}},\"ForceUpdate\":3,"
	"\"Runtime\":\"container\"},\"Mode\":{\"Replicated\":{\"Replicas\":4}},"
	"\"UpdateConfig\":{\"Parallelism\":1,\"MaxFailureRatio\":0.25}},"
	"\"Endpoint\":{\"Ports\":[{\"Protocol\":\"tcp\",\"TargetPort\":8080,"
	"\"PublishMode\":\"host\"},{\"Protocol\":\"tcp\",\"TargetPort\":8080,"
	"\"PublishedPort\":30000,\"PublishMode\":\"ingress\"}]},"
	"\"UpdateStatus\":{\"State\":\"updating\","
	"\"StartedAt\":\"2026-11-30T21:17:08.713081268Z\","
	"\"Message\":\"update in progress\"}}";

static void a_change_leaves_the_rest_as_it_came(void **state UNUSED)
{
	SCOPED(mem_free) char *text = NULL;
	struct swarm_object object;
	struct err err;

	assert_true(swarm_object_read(&object, service, &err));
	assert_int_equal(object.version, 17);
	swarm_service_force(object.spec);
	assert_true(swarm_service_scale(object.spec, 2, &err));
	text = json_print(object.spec);
	swarm_object_done(&object);
	assert_string_equal(text,
		"{\"Name\":\"web\",\"Labels\":{\"theirs\":\"yes\"},\"TaskTemplate\":{"
		"\"ContainerSpec\":{\"Image\":\"shop/api:1.2@sha256:288a\","
		"\"StopGracePeriod\":5000000000,\"StopSignal\":\"SIGQUIT\","
		"\"Isolation\":\"default\"},\"Resources\":{\"Limits\":{"
		"\"MemoryBytes\":9223372036854771712}},\"ForceUpdate\":4,"
		"\"Runtime\":\"container\"},\"Mode\":{\"Replicated\":{\"Replicas\":2}},"
		"\"UpdateConfig\":{\"Parallelism\":1,\"MaxFailureRatio\":0.25}}");
}

static void what_is_no_object_is_refused(void **state UNUSED)
{
	static const char *const rows[] = {
		"",
		"{",
		"[]",
		"{\"Version\":{\"Index\":1}}",
		"{\"Spec\":{}}",
		"{\"Spec\":{},\"Version\":{\"Index\":\"1\"}}",
		"{\"Spec\":[],\"Version\":{\"Index\":1}}",
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct swarm_object object;
		struct err err;

		assert_false(swarm_object_read(&object, rows[i], &err));
	}
}

static void a_global_service_cannot_be_scaled(void **state UNUSED)
{
	SCOPED(json_free) cJSON *spec = json_fill(NULL, "{'Mode': {'Global': {}}}");
	struct cluster cluster = {.replicas = 3};
	struct err err;

	assert_false(swarm_service_scale(spec, 2, &err));
	assert_non_null(strstr(err.text, "global"));
	swarm_service_note(&cluster, spec);
	assert_int_equal(cluster.replicas, 3);
	assert_int_equal(cluster.grace_ns, 10 * CLOCK_S);
	assert_null(cluster.stop_signal);
}

static void a_service_says_how_it_is_stopped(void **state UNUSED)
{
	SCOPED(json_free) cJSON *json = json_parse(service, strlen(service));
	struct cluster cluster = {0};

	swarm_service_note(&cluster, json_get(json, "Spec"));
	assert_int_equal(cluster.replicas, 4);
	assert_int_equal(cluster.grace_ns, 5 * CLOCK_S);
	assert_string_equal(cluster.stop_signal, "SIGQUIT");
	assert_int_equal(swarm_service_mesh_port(json), 30000);
	assert_int_equal(swarm_service_update(json), SWARM_UPDATE_GOING);
	assert_string_equal(swarm_service_update_message(json), "update in progress");
	cluster_done(&cluster);
}

static void an_update_is_in_one_of_four_states(void **state UNUSED)
{
	static const struct row {
		const char *text;
		enum swarm_update means;
	} rows[] = {
		{"{}", SWARM_UPDATE_NONE},
		{"{\"UpdateStatus\":{}}", SWARM_UPDATE_NONE},
		{"{\"UpdateStatus\":{\"State\":\"\"}}", SWARM_UPDATE_NONE},
		{"{\"UpdateStatus\":{\"State\":\"updating\"}}", SWARM_UPDATE_GOING},
		{"{\"UpdateStatus\":{\"State\":\"completed\"}}",
			SWARM_UPDATE_COMPLETED},
		{"{\"UpdateStatus\":{\"State\":\"paused\"}}", SWARM_UPDATE_GIVEN_UP},
		{"{\"UpdateStatus\":{\"State\":\"rollback_started\"}}",
			SWARM_UPDATE_GIVEN_UP},
		{"{\"UpdateStatus\":{\"State\":\"rollback_completed\"}}",
			SWARM_UPDATE_GIVEN_UP},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(json_free)
		cJSON *json = json_parse(rows[i].text, strlen(rows[i].text));

		assert_int_equal(swarm_service_update(json), rows[i].means);
	}
}

/* --- nodes --- */

static const char nodes[] =
	"[{\"ID\":\"gakt\",\"Version\":{\"Index\":9},\"Spec\":{\"Labels\":{},"
	"\"Role\":\"manager\",\"Availability\":\"active\"},\"Description\":{"
	"\"Hostname\":\"n1\"},\"Status\":{\"State\":\"ready\",\"Addr\":\"0.0.0.0\"},"
	"\"ManagerStatus\":{\"Leader\":true,\"Addr\":\"198.18.0.2:2377\"}},"
	"{\"ID\":\"zz20\",\"Version\":{\"Index\":15},\"Spec\":{\"Labels\":{},"
	"\"Role\":\"worker\",\"Availability\":\"drain\"},\"Description\":{"
	"\"Hostname\":\"n2\"},\"Status\":{\"State\":\"down\","
	"\"Message\":\"heartbeat failure\",\"Addr\":\"198.18.0.6\"}},"
	"{\"ID\":\"new1\",\"Spec\":{},\"Status\":{\"State\":\"unknown\"}},{}]";

static void read_nodes(struct cluster *cluster)
{
	SCOPED(json_free) cJSON *json = json_parse(nodes, strlen(nodes));

	swarm_nodes_read(cluster, json);
}

static void nodes_are_read(void **state UNUSED)
{
	struct cluster cluster = {0};

	read_nodes(&cluster);
	assert_int_equal(cluster.node_count, 3);
	assert_string_equal(cluster.nodes[0].name, "n1");
	/* A manager that does not know its address but as one of its raft. */
	assert_string_equal(cluster.nodes[0].address, "198.18.0.2");
	assert_true(cluster.nodes[0].manager);
	assert_true(cluster.nodes[0].ready);
	assert_true(cluster.nodes[0].active);
	assert_string_equal(cluster.nodes[1].address, "198.18.0.6");
	assert_false(cluster.nodes[1].manager);
	assert_false(cluster.nodes[1].ready);
	assert_false(cluster.nodes[1].active);
	assert_string_equal(cluster.nodes[2].name, "new1");
	assert_string_equal(cluster.nodes[2].address, "");
	cluster_done(&cluster);
}

static void a_node_is_noted_in_its_place(void **state UNUSED)
{
	static const char text[] =
		"[{\"ID\":\"zz20\",\"Spec\":{\"Role\":\"worker\","
		"\"Availability\":\"active\"},\"Status\":{\"State\":\"ready\"}},"
		"{\"ID\":\"late\",\"Spec\":{},\"Status\":{\"State\":\"ready\"}}]";
	SCOPED(json_free) cJSON *json = json_parse(text, strlen(text));
	struct cluster cluster = {0};
	const struct cluster_node *before;

	read_nodes(&cluster);
	before = cluster_node(&cluster, "n2");
	assert_true(swarm_nodes_note(&cluster, json));
	assert_false(swarm_nodes_note(&cluster, json));
	assert_ptr_equal(cluster_node(&cluster, "n2"), before);
	assert_true(before->ready);
	assert_true(before->active);
	assert_int_equal(cluster.node_count, 3);
	cluster_done(&cluster);
}

/* --- tasks --- */

/* As the manager has them: a status, the desired state, the node. */
static cJSON *task_of(
	const char *id, const char *node, const char *desired, const char *status)
{
	SCOPED(buf_done) struct buf text = {0};

	buf_addf(&text,
		"{\"ID\":\"%s\",\"Version\":{\"Index\":26},\"ServiceID\":\"hif\","
		"\"Slot\":1,\"NodeID\":\"%s\",\"Status\":%s,\"DesiredState\":\"%s\"}",
		id, node, status, desired);
	return json_parse(text.data, text.len);
}

#define AT(time) "\"Timestamp\":\"2026-11-30T21:16:" time "Z\","
#define CONTAINER(pid, code)                                                           \
	"\"ContainerStatus\":{\"ContainerID\":\"105d\",\"PID\":" pid                   \
	",\"ExitCode\":" code "}"
#define PORTS                                                                          \
	"\"PortStatus\":{\"Ports\":[{\"Protocol\":\"tcp\",\"TargetPort\":8080,"        \
	"\"PublishedPort\":32768,\"PublishMode\":\"host\"},{\"Protocol\":\"tcp\","     \
	"\"TargetPort\":8080,\"PublishedPort\":32768,\"PublishMode\":\"host\"}]}"
#define RUNNING                                                                            \
	"{" AT("56.864468206") "\"State\":\"running\",\"Message\":\"started\"," CONTAINER( \
		"13953", "0") "," PORTS "}"

static bool read_one(struct cluster *cluster, cJSON *task, int64_t now_ns)
{
	SCOPED(json_free) cJSON *list = cJSON_CreateArray();

	assert_non_null(task);
	cJSON_AddItemToArray(list, task);
	return swarm_tasks_read(cluster, list, 0, now_ns);
}

static struct cluster swarm_of_two(void)
{
	struct cluster cluster = {.service = mem_text("web")};

	read_nodes(&cluster);
	return cluster;
}

static void a_task_goes_from_pending_to_its_end(void **state UNUSED)
{
	struct cluster cluster = swarm_of_two();
	const struct cluster_task *task;

	assert_true(read_one(&cluster,
		task_of("a", "gakt", "running",
			"{" AT("55") "\"State\":\"preparing\",\"PortStatus\":{}}"),
		10));
	assert_int_equal(cluster.tasks[0].state, TASK_PENDING);
	assert_true(cluster.tasks[0].wanted);
	assert_null(cluster.tasks[0].address);
	assert_true(read_one(&cluster, task_of("a", "gakt", "running", RUNNING), 20));
	task = &cluster.tasks[0];
	assert_int_equal(task->state, TASK_RUNNING);
	assert_true(task->ready);
	assert_string_equal(task->name, "web.1");
	assert_string_equal(task->node, "n1");
	assert_string_equal(task->container, "105d");
	assert_string_equal(task->address, "198.18.0.2:32768");
	assert_int_equal(task->exit_code, -1);
	/* While it stops the exit code is -1. */
	assert_true(read_one(&cluster,
		task_of("a", "gakt", "shutdown",
			"{" AT("57") "\"State\":\"running\"," CONTAINER(
				"13953", "-1") "," PORTS "}"),
		30));
	assert_false(task->ready);
	assert_true(read_one(&cluster,
		task_of("a", "gakt", "shutdown",
			"{" AT("59.981002249") "\"State\":\"shutdown\"," CONTAINER(
				"0", "0") ",\"PortStatus\":{}}"),
		40));
	assert_int_equal(task->state, TASK_ENDED);
	assert_int_equal(task->exit_code, 0);
	assert_int_equal(task->unwanted_ns, 30);
	assert_int_equal(task->ended_ns, 40);
	assert_int_equal(task->ended_wall_ns, INT64_C(1796073419981002249));
	assert_int_equal(task->ended_error_ns, SWARM_END_ERROR_NS);
	assert_string_equal(task->address, "198.18.0.2:32768");
	cluster_done(&cluster);
}

static void an_exit_code_is_of_a_container_that_ran(void **state UNUSED)
{
	static const struct row {
		const char *status, *why;
		int exit_code;
		enum task_state state;
	} rows[] = {
		{"{\"State\":\"failed\",\"Err\":\"task: non-zero exit (1)\"," CONTAINER(
			 "0", "1") "}",
			"a failure has one", 1, TASK_ENDED},
		{"{\"State\":\"complete\"," CONTAINER("0", "0") "}",
			"what is complete has run", 0, TASK_ENDED},
		{"{\"State\":\"shutdown\"," CONTAINER("0", "0") "}",
			"0 also stands for a container that never ran", -1, TASK_ENDED},
		{"{\"State\":\"shutdown\"," CONTAINER("0", "137") "}",
			"but another code does not", 137, TASK_ENDED},
		{"{\"State\":\"rejected\",\"Err\":\"No such image: x\"}",
			"a task without a container", -1, TASK_ENDED},
		{"{\"State\":\"orphaned\"," CONTAINER("77", "0") "}",
			"its last report was while it ran", -1, TASK_ENDED},
		{"{\"State\":\"remove\"," CONTAINER("0", "0") "}",
			"as any report of a removed one", -1, TASK_ENDED},
		{"{\"State\":\"something-new\"}", "a state of a later version", -1,
			TASK_PENDING},
		{"{}", "a partial answer", -1, TASK_PENDING},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cluster cluster = swarm_of_two();

		read_one(&cluster, task_of("a", "gakt", "shutdown", rows[i].status), 1);
		if (cluster.tasks[0].exit_code != rows[i].exit_code)
			print_error("%s\n", rows[i].why);
		assert_int_equal(cluster.tasks[0].exit_code, rows[i].exit_code);
		assert_int_equal(cluster.tasks[0].state, rows[i].state);
		cluster_done(&cluster);
	}
}

static void what_swarm_says_of_a_failure_is_kept(void **state UNUSED)
{
	struct cluster cluster = swarm_of_two();

	read_one(&cluster,
		task_of("a", "gakt", "shutdown",
			"{\"State\":\"rejected\",\"Err\":\"No such image: x\"}"),
		1);
	assert_string_equal(cluster.tasks[0].message, "No such image: x");
	cluster_done(&cluster);
}

/* Swarm keeps "running" for a day. */
static void a_task_on_a_dead_node_has_ended(void **state UNUSED)
{
	struct cluster cluster = swarm_of_two();

	read_one(&cluster, task_of("a", "zz20", "running", RUNNING), 10);
	assert_int_equal(cluster.tasks[0].state, TASK_RUNNING);
	assert_true(cluster.tasks[0].wanted);
	assert_false(cluster.tasks[0].ready);
	read_one(&cluster, task_of("a", "zz20", "shutdown", RUNNING), 20);
	assert_int_equal(cluster.tasks[0].state, TASK_ENDED);
	assert_int_equal(cluster.tasks[0].exit_code, -1);
	assert_string_equal(
		cluster.tasks[0].message, "its node is not heard of any more");
	assert_true(cluster.tasks[0].lost);
	read_one(&cluster, task_of("b", "gakt", "shutdown", "{\"State\":\"orphaned\"}"), 30);
	assert_true(cluster.tasks[1].lost);
	cluster_done(&cluster);
}

static void a_task_whose_turn_is_to_come_is_wanted(void **state UNUSED)
{
	struct cluster cluster = swarm_of_two();

	read_one(&cluster, task_of("a", "gakt", "ready", "{\"State\":\"ready\"}"), 10);
	assert_true(cluster.tasks[0].wanted);
	assert_int_equal(cluster.tasks[0].state, TASK_PENDING);
	cluster_done(&cluster);
}

static void a_task_of_the_mesh_has_its_port(void **state UNUSED)
{
	struct cluster cluster = swarm_of_two();
	SCOPED(json_free) cJSON *list = cJSON_CreateArray();

	cJSON_AddItemToArray(list,
		task_of("a", "gakt", "running",
			"{\"State\":\"running\"," CONTAINER(
				"77", "0") ",\"PortStatus\":{}}"));
	swarm_tasks_read(&cluster, list, 30000, 1);
	assert_string_equal(cluster.tasks[0].address, "198.18.0.2:30000");
	cluster_done(&cluster);
}

static void what_is_no_task_is_passed_over(void **state UNUSED)
{
	static const char text[] = "[{},7,null,{\"ID\":5},{\"ID\":\"b\"}]";
	SCOPED(json_free) cJSON *list = json_parse(text, strlen(text));
	struct cluster cluster = swarm_of_two();

	assert_true(swarm_tasks_read(&cluster, list, 0, 1));
	assert_int_equal(cluster.task_count, 1);
	assert_string_equal(cluster.tasks[0].id, "b");
	assert_false(cluster.tasks[0].wanted);
	cluster_done(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_written_as_the_api_has_it),
		cmocka_unit_test(the_images_own_is_not_written),
		cmocka_unit_test(a_change_leaves_the_rest_as_it_came),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(a_global_service_cannot_be_scaled),
		cmocka_unit_test(a_service_says_how_it_is_stopped),
		cmocka_unit_test(an_update_is_in_one_of_four_states),
		cmocka_unit_test(nodes_are_read),
		cmocka_unit_test(a_node_is_noted_in_its_place),
		cmocka_unit_test(a_task_goes_from_pending_to_its_end),
		cmocka_unit_test(an_exit_code_is_of_a_container_that_ran),
		cmocka_unit_test(what_swarm_says_of_a_failure_is_kept),
		cmocka_unit_test(a_task_on_a_dead_node_has_ended),
		cmocka_unit_test(a_task_whose_turn_is_to_come_is_wanted),
		cmocka_unit_test(a_task_of_the_mesh_has_its_port),
		cmocka_unit_test(what_is_no_task_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
