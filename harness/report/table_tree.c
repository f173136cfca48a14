#include "harness/report/table_tree.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

static struct branch *sprout(
	struct branch *parent, char *label, const struct table_row *row)
{
	struct branch *branch = mem_zeroed(sizeof *branch);

	branch->label = label;
	branch->row = row;
	branch->depth = parent->depth + 1;
	branch->parent = parent;
	if (parent->last)
		parent->last->next = branch;
	else
		parent->first = branch;
	parent->last = branch;
	return branch;
}

/* Takes label. The branch of that name that is there, or a new one. */
static struct branch *find(struct branch *parent, char *label)
{
	for (struct branch *child = parent->first; child; child = child->next) {
		if (!child->row && strcmp(child->label, label) == 0) {
			free(label);
			return child;
		}
	}
	return sprout(parent, label, NULL);
}

/* --- names --- */

static const cJSON *axes_of(const struct table_row *row)
{
	return json_get(row->rounds[0], "axes");
}

static const char *id_of(const struct table_row *row)
{
	const char *id = json_text(row->rounds[0], "id");

	return id ? id : "?";
}

static const char *last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* "sessions" for "load.sessions", unless another axis ends like it. */
static const char *short_name(const cJSON *axes, const cJSON *axis)
{
	const char *name = last_part(axis->string);
	const cJSON *other;

	cJSON_ArrayForEach(other, axes) {
		if (other != axis && strcmp(last_part(other->string), name) == 0)
			return axis->string;
	}
	return name;
}

/* "sessions=3" */
static char *axis_label(const cJSON *axes, const cJSON *axis)
{
	SCOPED(mem_free) char *value =
		cJSON_IsString(axis) ? mem_text(axis->valuestring) : json_print(axis);

	return mem_textf("%s=%s", short_name(axes, axis), value);
}

/* --- growing --- */

static void plant(struct branch *name, const struct table_row *row)
{
	const cJSON *axes = axes_of(row);
	struct branch *parent = name;
	const cJSON *axis;

	cJSON_ArrayForEach(axis, axes) {
		if (axis->next)
			parent = find(parent, axis_label(axes, axis));
		else
			sprout(parent, axis_label(axes, axis), row);
	}
}

/* The rows from begin to end are of one scenario and its matrix: main halves first, so
 * that their curve is not interrupted. */
static void plant_matrix(
	struct branch *root, const struct rows *rows, unsigned begin, unsigned end)
{
	static const char *const halves[] = {"main", "twin"};
	struct branch *name = sprout(root, mem_text(id_of(&rows->list[begin])), NULL);

	for (size_t half = 0; half < COUNT(halves); half++) {
		for (unsigned i = begin; i < end; i++) {
			const struct table_row *row = &rows->list[i];

			if (strcmp(row->cells[COLUMN_HALF], halves[half]) == 0)
				plant(name, row);
		}
	}
}

static bool has_axes(const struct table_row *row)
{
	return cJSON_GetArraySize(axes_of(row)) > 0;
}

struct branch *tree_grow(const struct rows *rows)
{
	struct branch *root = mem_zeroed(sizeof *root);
	unsigned end;

	for (unsigned i = 0; i < rows->count; i = end) {
		const struct table_row *row = &rows->list[i];

		end = i + 1;
		if (!has_axes(row)) {
			sprout(root, mem_text(id_of(row)), row);
			continue;
		}
		while (end < rows->count && has_axes(&rows->list[end]) &&
			strcmp(id_of(&rows->list[end]), id_of(row)) == 0)
			end++;
		plant_matrix(root, rows, i, end);
	}
	return root;
}

void tree_free(struct branch *root)
{
	struct branch *next;

	for (struct branch *child = root->first; child; child = next) {
		next = child->next;
		tree_free(child);
	}
	free(root->label);
	free(root);
}

struct branch *tree_next(const struct branch *branch)
{
	if (branch->first)
		return branch->first;
	while (branch && !branch->next)
		branch = branch->parent;
	return branch ? branch->next : NULL;
}
