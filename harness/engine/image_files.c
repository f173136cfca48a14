#include "harness/engine/image_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/hash.h"
#include "lib/mem.h"
#include "lib/run_program.h"

void image_files_add(struct image_files *files, const char *inside, const char *source,
	const char *text)
{
	unsigned at = 0;

	while (at < files->count && strcmp(files->files[at].inside, inside) < 0)
		at++;
	if (at < files->count && strcmp(files->files[at].inside, inside) == 0)
		return;
	files->files = mem_grown(files->files, files->count + 1, sizeof *files->files);
	memmove(&files->files[at + 1], &files->files[at],
		(files->count - at) * sizeof *files->files);
	files->files[at] = (struct image_files_file){
		.inside = mem_text(inside),
		.source = mem_text(source),
		.text = mem_text(text),
	};
	files->count++;
}

void image_files_done(struct image_files *files)
{
	for (unsigned i = 0; i < files->count; i++) {
		free(files->files[i].inside);
		free(files->files[i].source);
		free(files->files[i].text);
	}
	free(files->files);
	*files = (struct image_files){0};
}

/* --- the hash --- */

static bool hash_file(uint64_t *hash, const char *path, struct err *err)
{
	char block[64 << 10];
	ssize_t len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "%s", path);
	while ((len = read(fd, block, sizeof block)) > 0)
		*hash = hash_bytes(*hash, block, (size_t)len);
	if (len < 0)
		err_sys(err, "read %s", path);
	close(fd);
	return len == 0;
}

bool image_files_hash(const struct image_files *files, char hash[IMAGE_FILES_HASH_SIZE],
	struct err *err)
{
	uint64_t sum = HASH_BASIS;

	for (unsigned i = 0; i < files->count; i++) {
		const struct image_files_file *file = &files->files[i];

		/* The NUL separates the name from the contents. */
		sum = hash_text(sum, file->inside);
		if (file->text)
			sum = hash_text(sum, file->text);
		else if (!hash_file(&sum, file->source, err))
			return false;
	}
	snprintf(hash, IMAGE_FILES_HASH_SIZE, "%016" PRIx64, sum);
	return true;
}

/* --- the tar file: a folder of links to the sources, and tar(1), which follows them
 * --- */

static bool make_folders(const char *folder, const char *inside, struct err *err)
{
	for (const char *slash = strchr(inside, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		SCOPED(mem_free) char *path =
			mem_textf("%s/%.*s", folder, (int)(slash - inside), inside);

		/* Against our umask: other users use it in the image. */
		if ((mkdir(path, 0755) != 0 && errno != EEXIST) ||
			chmod(path, 0755) != 0)
			return err_sys(err, "make %s", path);
	}
	return true;
}

static bool write_text(const char *path, const char *text, struct err *err)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && fchmod(fd, 0644) == 0 &&
		write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (!ok)
		err_sys(err, "write %s", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool fill_folder(
	const struct image_files *files, const char *folder, struct err *err)
{
	SCOPED(mem_free) char *tmp = mem_textf("%s/tmp", folder);

	if (chmod(folder, 0755) != 0 || mkdir(tmp, 0777) != 0 || chmod(tmp, 01777) != 0)
		return err_sys(err, "make %s", tmp);
	for (unsigned i = 0; i < files->count; i++) {
		const struct image_files_file *file = &files->files[i];
		SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, file->inside);
		bool ok = make_folders(folder, file->inside, err);

		if (ok && file->text)
			ok = write_text(path, file->text, err);
		else if (ok && symlink(file->source, path) != 0)
			ok = err_sys(err, "link %s", path);
		if (!ok)
			return false;
	}
	return true;
}

static int remove_one(const char *path, const struct stat *stat UNUSED, int type UNUSED,
	struct FTW *walk UNUSED)
{
	return remove(path);
}

bool image_files_write(const struct image_files *files, const char *path,
	uv_loop_t *loop, struct err *err)
{
	SCOPED(mem_free) char *folder = mem_textf("%s.XXXXXX", path);
	const char *const argv[] = {
		"tar", "-c", "-h", "-f", path, "-C", folder, ".", NULL};
	SCOPED(buf_done) struct buf out = {0};
	bool ok;

	if (!mkdtemp(folder))
		return err_sys(err, "make %s", folder);
	ok = fill_folder(files, folder, err) && run_program(loop, argv, &out, err);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return ok;
}
