/*
 * The process engine: Docker's rules without a daemon. The subject is PID 1 of its own
 * namespaces (pidns.h); a stop is the stop signal, the grace period, SIGKILL; exit
 * codes are Docker's (128 + n for a signal).
 */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/engine.h"
#include "harness/engine/pidns.h"
#include "harness/engine/proc_monitor.h"
#include "harness/engine/process_attach.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/pipe_lines.h"
#include "lib/signals.h"
#include "lib/strlist.h"
#include "lib/wait.h"

#define DOWN_NS (5 * CLOCK_S)

struct process_engine {
	struct engine engine;
	enum pidns_isolation isolation;
};

struct process_subject {
	struct subject subject;
	struct pidns pidns;
	struct pipe_lines *out, *err; /* NULL: not started */
	struct loop_timer *grace;
	int64_t grace_ns;
	struct pidns_options options;
	struct strlist env;
	pid_t execs[EXECS_MAX]; /* children of ours that wait for them */
	unsigned exec_count;
};

static struct process_subject *of(struct subject *subject)
{
	return (struct process_subject *)subject;
}

/* --- the end --- */

/* The stop is over when PID 1 has ended and both streams are at their end. */
static void settle(struct process_subject *process)
{
	struct subject *subject = &process->subject;

	if (subject->running || !subject->facts.asked_ns || subject->stopped ||
		!pipe_lines_is_over(process->out) || !pipe_lines_is_over(process->err))
		return;
	subject->facts.returned_ns = clock_now();
	subject->stopped = true;
}

static void on_stream_end(void *arg)
{
	settle(arg);
}

static void on_ended(void *arg)
{
	struct process_subject *process = arg;
	struct subject *subject = &process->subject;
	int status = 0;

	subject->running = false;
	subject->facts.exited_before_stop = subject->facts.asked_ns == 0;
	if (waitpid(subject->pid, &status, 0) == subject->pid) {
		subject->facts.wait_status_known = true;
		subject->facts.wait_status = status;
		subject->facts.exit_code = WIFEXITED(status) ? WEXITSTATUS(status)
							     : 128 + WTERMSIG(status);
	}
	loop_timer_stop(process->grace);
	/* The kernel kills what is left in a PID namespace; without one, we do. */
	if (!subject->engine->capabilities.pid1_rules) {
		kill(-subject->pid, SIGKILL);
		pipe_lines_end(process->out);
		pipe_lines_end(process->err);
	}
	pidns_done(&process->pidns);
	settle(process);
}

static void on_grace_over(void *arg)
{
	struct process_subject *process = arg;
	struct stop_facts *facts = &process->subject.facts;

	stop_facts_kill(facts);
	proc_monitor_signal(process->subject.monitor, SIGKILL);
}

static bool process_stop(struct subject *subject, struct err *err UNUSED)
{
	struct process_subject *process = of(subject);
	struct stop_facts *facts = &subject->facts;

	if (subject->about) {
		process_attached_stop(subject);
		return true;
	}
	facts->asked_ns = clock_now();
	if (!subject->running) {
		settle(process);
		return true;
	}
	loop_timer_set(process->grace, process->grace_ns);
	facts->signal_ns = clock_now();
	if (facts->stop_signal == SIGKILL)
		stop_facts_kill(facts);
	proc_monitor_signal(subject->monitor, facts->stop_signal);
	facts->signal_error_ns = clock_now() - facts->signal_ns;
	facts->signal_source = STAMP_SELF;
	return true;
}

static bool process_exec(
	struct subject *subject, const char *const *argv, struct err *err)
{
	struct process_subject *process = of(subject);
	const struct process_engine *engine =
		(const struct process_engine *)subject->engine;
	pid_t pid;

	if (engine->isolation == PIDNS_PLAIN)
		return err_set(err, "there is no namespace to start it in");
	if (process->exec_count == EXECS_MAX)
		return err_set(err, "more than %d", EXECS_MAX);
	pid = pidns_enter(&process->pidns,
		&(struct pidns_spec){
			.isolation = engine->isolation,
			.options = process->options,
			.argv = argv,
			.env = (const char *const *)process->env.item,
		},
		err);
	if (pid)
		process->execs[process->exec_count++] = pid;
	return pid != 0;
}

static bool process_signal(
	struct subject *subject, int signal_number, struct err *err UNUSED)
{
	proc_monitor_signal(subject->monitor, signal_number);
	return true;
}

static bool process_inspect(struct subject *subject, struct err *err UNUSED)
{
	struct stop_facts *facts = &subject->facts;
	pid_t kill_by = 0;

	if (subject->about) {
		process_attached_inspect(subject);
		return true;
	}
	proc_monitor_read(subject->monitor, facts, &kill_by);
	/* The SIGKILL of another process came before ours. */
	if (kill_by && kill_by != getpid())
		facts->kill_by_engine = false;
	return true;
}

/* --- up --- */

static void add_all(struct strlist *list, const char *const *texts)
{
	for (; texts && *texts; texts++)
		strlist_add(list, "%s", *texts);
}

static bool has_path(const char *const *env)
{
	while (env && *env && strncmp(*env, "PATH=", 5) != 0)
		env++;
	return env && *env;
}

/* "1000:1000", "www-data", "33:adm": by the numbers and names of this machine. */
static bool find_user(struct pidns_options *options, const char *text, struct err *err)
{
	const char *colon = strchr(text, ':');
	SCOPED(mem_free)
	char *name = mem_textf("%.*s", (int)strcspn(text, ":"), text);
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	bool is_number = *name && !*end;
	const struct passwd *user =
		is_number ? getpwuid((uid_t)number) : getpwnam(name);
	const struct group *group;

	if (!is_number && !user)
		return err_set(err, "user: there is no user \"%s\" here", name);
	options->as_user = true;
	options->uid = user ? user->pw_uid : (uid_t)number;
	options->gid = user ? user->pw_gid : 0;
	if (!colon)
		return true;
	number = strtoul(colon + 1, &end, 10);
	group = getgrnam(colon + 1);
	if (!group && (!colon[1] || *end))
		return err_set(err, "user: there is no group \"%s\" here", colon + 1);
	options->gid = group ? group->gr_gid : (gid_t)number;
	return true;
}

static bool read_options(const struct process_engine *engine,
	const struct container_options *container, struct pidns_options *options,
	struct err *err)
{
	if (!container)
		return true;
	options->folder = container->working_dir;
	options->ulimits = &container->ulimits;
	options->tmpfs = &container->tmpfs;
	options->read_only = container->read_only;
	if (engine->isolation == PIDNS_PLAIN &&
		(container->read_only || container->tmpfs.count))
		return err_set(
			err, "a read-only root and a tmpfs need a mount namespace");
	if (!container->user)
		return true;
	if (!find_user(options, container->user, err))
		return false;
	/* Without root there is one user, who is root in a user namespace. */
	return engine->isolation == PIDNS_NAMESPACES ||
		err_set(err, "user: only root can run it as another");
}

static bool start(struct process_subject *process, const struct subject_spec *spec,
	struct err *err)
{
	const struct engine *engine = process->subject.engine;
	const char *programs = engine->options.programs;
	struct strlist *env = &process->env;
	SCOPED(strlist_done) struct strlist argv = {0};
	int out[2] = {-1, -1}, err_pipe[2] = {-1, -1};
	bool ok;

	if (!read_options((const struct process_engine *)engine, spec->container,
		    &process->options, err))
		return false;
	add_all(env, spec->env);
	/* With our programs and subjects. */
	if (!has_path(spec->env))
		strlist_add(env,
			"PATH=%s:%s/../subjects:/usr/local/sbin:/usr/local/bin:"
			"/usr/sbin:/usr/bin:/sbin:/bin",
			programs, programs);
	if (spec->init)
		add_all(&argv, (const char *const[]){"tini", "--", NULL});
	add_all(&argv, spec->entrypoint);
	add_all(&argv, spec->command);
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err_pipe, O_CLOEXEC) != 0) {
		err_sys(err, "pipe");
		if (out[0] >= 0) {
			close(out[0]);
			close(out[1]);
		}
		return false;
	}
	ok = pidns_start(&process->pidns,
		&(struct pidns_spec){
			.isolation = ((const struct process_engine *)engine)->isolation,
			.options = process->options,
			.argv = (const char *const *)argv.item,
			.env = (const char *const *)env->item,
			.stdout_fd = out[1],
			.stderr_fd = err_pipe[1],
		},
		err);
	process->subject.pid = process->pidns.pid;
	close(out[1]);
	close(err_pipe[1]);
	process->out = pipe_lines_open(engine->loop, out[0], PIPE_LINES_LOG, spec->log,
		spec->arg, on_stream_end, process);
	process->err = pipe_lines_open(engine->loop, err_pipe[0], PIPE_LINES_LOG,
		spec->log, spec->arg, on_stream_end, process);
	return ok;
}

static bool is_gone(const void *arg)
{
	return !((const struct subject *)arg)->running;
}

static void process_down(struct subject *subject)
{
	struct process_subject *process = of(subject);

	if (subject->running) {
		proc_monitor_signal(subject->monitor, SIGKILL);
		wait_until(subject->engine->loop, is_gone, subject,
			clock_now() + DOWN_NS, NULL);
	}
	for (unsigned i = 0; !subject->running && i < process->exec_count; i++)
		waitpid(process->execs[i], NULL, 0);
	strlist_done(&process->env);
	pipe_lines_close(process->out);
	pipe_lines_close(process->err);
	proc_monitor_close(subject->monitor);
	loop_timer_destroy(process->grace);
	free(subject->id);
	free(subject->address);
	free(process);
}

static bool watch(struct process_subject *process, struct err *err)
{
	struct subject *subject = &process->subject;

	subject->monitor = proc_monitor_open(
		subject->engine->monitors, subject->pid, on_ended, process, err);
	subject->running = subject->monitor != NULL;
	if (!subject->monitor) {
		kill(subject->pid, SIGKILL);
		waitpid(subject->pid, NULL, 0);
		pidns_done(&process->pidns);
	}
	return subject->running;
}

static struct subject *process_up(
	struct engine *engine, const struct subject_spec *spec, struct err *err)
{
	struct process_subject *process;
	struct subject *subject;

	if (!spec->entrypoint && !spec->command) {
		err_set(err,
			"image %s: the process engine runs a command, and there is "
			"no service.command",
			spec->image);
		return NULL;
	}
	if (!engine->capabilities.pid1_rules && !spec->init) {
		err_set(err,
			"%s, so a stop cannot be judged: run as root, allow user "
			"namespaces, or use --engine docker",
			engine->capabilities.note);
		return NULL;
	}
	if (spec->container && container_options_of_engine(spec->container)) {
		err_set(err,
			"the process engine has not got service.%s: use --engine docker",
			container_options_of_engine(spec->container));
		return NULL;
	}
	process = mem_zeroed(sizeof *process);
	subject = &process->subject;
	subject->engine = engine;
	subject->id = mem_text(spec->name);
	subject->address = mem_text(SUBJECT_LOOPBACK);
	subject->facts.exit_code = -1;
	subject->facts.oom_kills = -1;
	subject->facts.stop_signal =
		spec->stop_signal ? signal_number(spec->stop_signal) : SIGTERM;
	process->grace_ns = spec->grace_ns;
	process->grace = loop_timer_create(engine->loop, on_grace_over, process);
	if (start(process, spec, err) && watch(process, err))
		return subject;
	err_while(err, "start %s",
		spec->entrypoint ? spec->entrypoint[0] : spec->command[0]);
	process_down(subject);
	return NULL;
}

static void process_fingerprint(struct engine *engine, cJSON *json)
{
	static const char *const names[] = {
		[PIDNS_NAMESPACES] = "namespaces",
		[PIDNS_USER_NAMESPACES] = "namespaces in a user namespace",
		[PIDNS_PLAIN] = "plain session",
	};

	cJSON_AddStringToObject(json, "isolation",
		names[((const struct process_engine *)engine)->isolation]);
}

static void process_destroy(struct engine *engine)
{
	proc_monitors_close(engine->monitors);
	free(engine);
}

static const struct engine_ops process_ops = {
	.destroy = process_destroy,
	.fingerprint = process_fingerprint,
	.up = process_up,
	.attach = process_attach,
	.detach = process_attached_detach,
	.stop = process_stop,
	.exec = process_exec,
	.signal = process_signal,
	.inspect = process_inspect,
	.down = process_down,
};

struct engine *process_create(
	uv_loop_t *loop, const struct engine_options *options, struct err *err UNUSED)
{
	struct process_engine *process = mem_zeroed(sizeof *process);
	struct engine *engine = &process->engine;
	struct err why = {0};

	engine->kind = &engine_kinds[ENGINE_KIND_process];
	engine->ops = &process_ops;
	engine->loop = loop;
	engine->options = *options;
	engine->capabilities = (struct engine_capabilities){
		.signal = STAMP_SELF,
		.kill = STAMP_SELF,
		.wait_status = true,
		.snapshots = true,
	};
	process->isolation = pidns_possible(&why);
	engine->capabilities.pid1_rules = process->isolation != PIDNS_PLAIN;
	if (!engine->capabilities.pid1_rules)
		snprintf(engine->capabilities.note, sizeof engine->capabilities.note,
			"no PID namespace (%.80s): PID 1's rules do not hold",
			why.text);
	engine->monitors = proc_monitors_open(loop, &engine->capabilities);
	return engine;
}
