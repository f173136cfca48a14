#include "harness/engine/shared_libs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "lib/run_program.h"

#define LINE_CEILING ((size_t)8 << 10)

static bool read_exactly(int fd, void *to, size_t len, off_t at)
{
	return pread(fd, to, len, at) == (ssize_t)len;
}

/* The program's loader; "": none. */
static void read_loader(int fd, char loader[PATH_MAX])
{
	ElfW(Ehdr) header;

	loader[0] = '\0';
	if (!read_exactly(fd, &header, sizeof header, 0) ||
		memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		ElfW(Phdr) part;

		if (!read_exactly(fd, &part, sizeof part,
			    (off_t)(header.e_phoff + i * sizeof part)))
			return;
		if (part.p_type != PT_INTERP)
			continue;
		if (part.p_filesz >= PATH_MAX ||
			!read_exactly(fd, loader, part.p_filesz, (off_t)part.p_offset))
			part.p_filesz = 0;
		loader[part.p_filesz] = '\0';
		return;
	}
}

static bool find_loader(const char *program, char loader[PATH_MAX], struct err *err)
{
	int fd = open(program, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "%s", program);
	read_loader(fd, loader);
	close(fd);
	return true;
}

struct loader_listing {
	struct image_files *files;
	const char *lib_folder; /* a default folder of the loader */
	char missing[128];      /* a library that the loader did not find */
};

/* "/lib/x86_64" of "	libc.so.6 => /lib/x86_64/libc.so.6 (0x7f..)".
 * musl is its own loader. The caller's. */
static char *default_folder(const char *list, const char *loader)
{
	static const char libc[] = "libc.so.6 => ";
	const char *at = strstr(list, libc);
	const char *path = at ? at + strlen(libc) : loader;
	size_t len = strcspn(path, " \n");
	const char *slash = memrchr(path, '/', len);

	return mem_textf("%.*s", slash ? (int)(slash - path) : 0, path);
}

/* Libraries move to the loader's default folders: ld.so.conf and runpaths of this
 * machine do not hold in the image. */
static void add_library(
	const struct loader_listing *listing, const char *name, const char *path)
{
	SCOPED(mem_free) char *inside = mem_textf("%s/%s", listing->lib_folder, name);

	image_files_add(listing->files, inside + 1, path, NULL);
}

/* "	libuv.so.1 => /lib/x86_64-linux-gnu/libuv.so.1 (0x00007f..)". A line without an
 * arrow is the loader or the kernel's vdso. */
static void on_line(void *arg, char *line, size_t len UNUSED, bool cut UNUSED)
{
	struct loader_listing *listing = arg;
	char *name = line + strspn(line, " \t");
	char *arrow = strstr(name, " => ");
	char *path;

	if (!arrow)
		return;
	*arrow = '\0';
	path = arrow + strlen(" => ");
	path[strcspn(path, " ")] = '\0';
	if (path[0] == '/' && name[0] != '/')
		add_library(listing, name, path);
	else if (path[0] != '/')
		snprintf(listing->missing, sizeof listing->missing, "%.100s", name);
}

/* glibc loads it at run time when a thread ends, and the loader does not list it. */
static void add_companion(const struct loader_listing *listing)
{
	static const char name[] = "libgcc_s.so.1";
	SCOPED(mem_free) char *path = mem_textf("%s/%s", listing->lib_folder, name);

	if (access(path, R_OK) == 0)
		add_library(listing, name, path);
}

static bool add_list(struct image_files *files, const char *program, const char *loader,
	const struct buf *list, struct err *err)
{
	SCOPED(mem_free) char *lib_folder = default_folder(buf_text(list), loader);
	struct loader_listing listing = {.files = files, .lib_folder = lib_folder};
	struct lines lines;

	lines_init(&lines, LINE_CEILING, on_line, &listing);
	lines_feed(&lines, buf_text(list), list->len);
	lines_end(&lines);
	lines_done(&lines);
	add_companion(&listing);
	/* The loader stays at the path that the program names. */
	image_files_add(files, loader + 1, loader, NULL);
	if (listing.missing[0])
		return err_set(err, "%s needs %s, which the loader does not find",
			program, listing.missing);
	return true;
}

bool shared_libs_add(struct image_files *files, const char *inside, const char *program,
	uv_loop_t *loop, struct err *err)
{
	char loader[PATH_MAX];
	const char *const argv[] = {loader, "--list", program, NULL};
	SCOPED(buf_done) struct buf out = {0};

	image_files_add(files, inside, program, NULL);
	if (!find_loader(program, loader, err))
		return false;
	if (!loader[0])
		return true;
	if (!run_program(loop, argv, &out, err))
		return err_while(err, "libraries of %s", program);
	return add_list(files, program, loader, &out, err);
}
