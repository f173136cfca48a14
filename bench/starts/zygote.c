/*
 * A zygote: a process without memory or descriptors to speak of, which forks on request.
 * What it starts is a child of the process that asks (CLONE_PARENT), which can wait for it.
 */
#include "bench/starts/methods.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The arguments, each with its NUL. */
#define REQUEST_SIZE 4096
#define ARGUMENTS    64

static int ours = -1;

struct answer {
	pid_t pid;
	int failed; /* errno, or 0 */
};

static void split(char *text, size_t len, const char *argv[ARGUMENTS])
{
	unsigned count = 0;

	for (char *at = text; at < text + len && count < ARGUMENTS - 1;
		at += strlen(at) + 1)
		argv[count++] = at;
	argv[count] = NULL;
}

static struct answer serve_one(char *text, size_t len, const int files[SPAWNER_FILES])
{
	const char *argv[ARGUMENTS];
	struct answer answer = {0};
	int report[2];

	split(text, len, argv);
	if (pipe2(report, O_CLOEXEC) != 0)
		return (struct answer){.failed = errno};
	answer.pid = (pid_t)syscall(
		SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
	if (answer.pid == 0)
		method_execute(argv, files, report[1]);
	if (answer.pid < 0)
		answer.failed = errno;
	close(report[1]);
	if (answer.pid > 0 && read(report[0], &answer.failed, sizeof answer.failed) < 0)
		answer.failed = errno;
	close(report[0]);
	return answer;
}

static void serve(int theirs)
{
	char text[REQUEST_SIZE], control[CMSG_SPACE(sizeof(int[SPAWNER_FILES]))];

	for (;;) {
		struct iovec part = {text, sizeof text};
		struct msghdr message = {.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control};
		ssize_t len = recvmsg(theirs, &message, MSG_CMSG_CLOEXEC);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		int files[SPAWNER_FILES];
		struct answer answer;

		if (len <= 0 || !header)
			_exit(0);
		memcpy(files, CMSG_DATA(header), sizeof files);
		answer = serve_one(text, (size_t)len, files);
		for (int i = 0; i < SPAWNER_FILES; i++)
			close(files[i]);
		if (write(theirs, &answer, sizeof answer) < 0)
			_exit(1);
	}
}

bool zygote_open(struct err *err)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys(err, "socketpair");
	pid = fork();
	if (pid < 0)
		return err_sys(err, "fork");
	if (pid == 0) {
		close(ends[0]);
		serve(ends[1]);
	}
	close(ends[1]);
	ours = ends[0];
	return true;
}

int zygote_start(const char *const *argv, const int files[SPAWNER_FILES], pid_t *pid)
{
	char text[REQUEST_SIZE], control[CMSG_SPACE(sizeof(int[SPAWNER_FILES]))] = {0};
	struct iovec part = {text, 0};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct answer answer;

	for (; *argv; argv++) {
		size_t len = strlen(*argv) + 1;

		if (part.iov_len + len > sizeof text)
			return E2BIG;
		memcpy(text + part.iov_len, *argv, len);
		part.iov_len += len;
	}
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int[SPAWNER_FILES]));
	memcpy(CMSG_DATA(header), files, sizeof(int[SPAWNER_FILES]));
	if (sendmsg(ours, &message, 0) < 0)
		return errno;
	if (read(ours, &answer, sizeof answer) != sizeof answer)
		return EIO;
	*pid = answer.pid;
	return answer.failed;
}

void zygote_close(void)
{
	close(ours);
}
