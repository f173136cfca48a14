"""Plays what a CI runner does with a job: ci_runner.py github|gitlab FILE NAME=VALUE...

It runs each step with the runner's shell and files, in the folder `workspace`, and ends
with 0 where the job is green. The names:

  repository  what is checked out        stopbench   what the repository OWNER/stopbench is
  workspace   the folder of the job      caches      a folder: what caches hold
  artifacts   a folder: what is uploaded summary     a file: the step summary (GitHub)
  event       pull_request or push       branch      the branch that is pushed, or merged into
  run         the number of this run     path        PATH of the steps

Anything that it does not know is an error: an action, a key of a step, an input.
"""
import os
import re
import shutil
import subprocess
import sys

import yaml


def fail(text):
	sys.exit("ci_runner: " + text)


def shell(command, script, env, cwd):
	path = os.path.join(env["RUNNER_TEMP"], "step")
	with open(path, "w") as out:
		out.write(script)
	return subprocess.run(command + [path], env=env, cwd=cwd, stdin=subprocess.DEVNULL).returncode


def known(given, names, what):
	for name in given:
		if name not in names:
			fail("%s: %s is not known" % (what, name))


# --- what both have ---

def clean_environment(names):
	temp = os.path.join(names["workspace"] + ".temp")
	shutil.rmtree(temp, ignore_errors=True)
	os.makedirs(temp)
	return {"PATH": names["path"], "HOME": temp, "TMPDIR": temp, "RUNNER_TEMP": temp, "CI": "true"}


def checkout(repository, workspace):
	shutil.copytree(repository, workspace, symlinks=True, dirs_exist_ok=True)


def upload(names, artifact, path):
	source = os.path.join(names["workspace"], path)
	if not os.path.exists(source):
		print("Warning: no files were found: %s" % path)
		return
	for folder, _, files in os.walk(source):
		for name in files:
			if re.search(r'["<>:|*?\r\n]', name):
				fail("an artifact may have no file %s/%s" % (folder, name))
	shutil.copytree(source, os.path.join(names["artifacts"], artifact), dirs_exist_ok=True)


def cache_folders(names):
	"""The newest first."""
	os.makedirs(names["caches"], exist_ok=True)
	found = [os.path.join(names["caches"], name) for name in os.listdir(names["caches"])]
	return sorted(found, key=lambda folder: os.stat(folder).st_mtime_ns, reverse=True)


def cache_save(names, key, path):
	source = os.path.join(names["workspace"], path)
	target = os.path.join(names["caches"], key.replace("/", "%2F"))
	if os.path.exists(source) and not os.path.exists(target):
		shutil.copytree(source, target)
		os.utime(target)


def cache_restore(names, path, fits):
	for folder in cache_folders(names):
		if fits(os.path.basename(folder).replace("%2F", "/")):
			shutil.copytree(folder, os.path.join(names["workspace"], path), dirs_exist_ok=True)
			return


# --- GitHub ---

TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][\w.-]*\(?|\|\||&&|==|!=|!|\(|\))")


def evaluate(expression, contexts, good):
	"""The value of what stands in ${{ }}."""
	at, python = 0, []
	while expression[at:].strip():
		match = TOKEN.match(expression, at)
		if not match:
			fail("what is %s?" % expression[at:])
		at, token = match.end(), match.group(1)
		if token in ("||", "&&", "!"):
			python.append({"||": " or ", "&&": " and ", "!": " not "}[token])
		elif token in ("==", "!=", "(", ")"):
			python.append(token)
		elif token[0] == "'":
			python.append(repr(token[1:-1].replace("''", "'")))
		elif token in ("always(", "success(", "failure("):
			python.append("%r.__eq__(" % {"always(": True, "success(": good, "failure(": not good}[token])
			python.append("True")
		else:
			value = contexts
			for name in token.split("."):
				value = value.get(name, "") if isinstance(value, dict) else ""
			python.append(repr(value))
	return eval("".join(python), {"__builtins__": {}})


def fill_in(text, contexts, good):
	def value(match):
		return str(evaluate(match.group(1), contexts, good))
	return re.sub(r"\$\{\{(.*?)\}\}", value, str(text))


def read_pairs(path):
	with open(path) as lines:
		return dict(line.rstrip("\n").split("=", 1) for line in lines if line.strip())


class GitHub:
	def __init__(self, names):
		self.names = names
		self.env = clean_environment(names)
		self.files = {}
		for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH"):
			self.files[name] = os.path.join(self.env["RUNNER_TEMP"], name)
		self.env.update(self.files)
		self.env["GITHUB_STEP_SUMMARY"] = names["summary"]
		self.env["GITHUB_WORKSPACE"] = names["workspace"]
		pull = names["event"] == "pull_request"
		self.github = {
			"event_name": names["event"],
			"base_ref": names["branch"] if pull else "",
			"ref_name": "7/merge" if pull else names["branch"],
			"run_id": names["run"],
			"run_attempt": "1",
		}

	def action(self, uses, given):
		"""False: it failed."""
		names = self.names
		if not re.fullmatch(r"actions/[a-z/-]+@v\d+", uses):
			fail("%s is no official action with its major version" % uses)
		action = uses.split("@")[0]
		if action == "actions/checkout":
			known(given, ("repository", "path", "fetch-depth"), uses)
			if "repository" not in given:
				checkout(names["repository"], names["workspace"])
			elif given["repository"] == "OWNER/stopbench":
				os.symlink(names["stopbench"], os.path.join(names["workspace"], given["path"]))
			else:
				fail("there is no repository %s" % given["repository"])
		elif action == "actions/cache/restore":
			known(given, ("path", "key", "restore-keys"), uses)
			prefix = given["restore-keys"].strip()
			cache_restore(names, given["path"], lambda key: key == given["key"] or key.startswith(prefix))
		elif action == "actions/cache/save":
			known(given, ("path", "key"), uses)
			if "," in given["key"] or len(given["key"]) > 512:
				fail("a cache may have no key %s" % given["key"])
			cache_save(names, given["key"], given["path"])
		elif action == "actions/upload-artifact":
			known(given, ("name", "path"), uses)
			upload(names, given["name"], given["path"])
		else:
			fail("%s is not known" % uses)
		return True

	def script(self, step, contexts, extra, good):
		for path in self.files.values():
			open(path, "w").close()
		env = dict(self.env, **extra)
		for name, value in step.get("env", {}).items():
			env[name] = fill_in(value, contexts, good)
		command = ["bash", "-e"]
		if step.get("shell") == "bash":
			command = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
		script = fill_in(step["run"], contexts, good)
		code = shell(command, script, env, self.names["workspace"])
		self.env.update(read_pairs(self.files["GITHUB_ENV"]))
		with open(self.files["GITHUB_PATH"]) as paths:
			for path in paths.read().split():
				self.env["PATH"] = path + ":" + self.env["PATH"]
		if "id" in step:
			contexts["steps"][step["id"]] = {"outputs": read_pairs(self.files["GITHUB_OUTPUT"])}
		return code == 0

	def composite(self, folder, given, good):
		with open(os.path.join(folder, "action.yml")) as text:
			action = yaml.safe_load(text)
		known(given, action["inputs"], folder)
		inputs = {name: what.get("default", "") for name, what in action["inputs"].items()}
		inputs.update(given)
		if action["runs"]["using"] != "composite":
			fail("%s is not composite" % folder)
		for step in action["runs"]["steps"]:
			if "run" in step and "shell" not in step:
				fail("%s: a step of an action needs a shell" % folder)
		return self.steps(action["runs"]["steps"], {"inputs": inputs}, {"GITHUB_ACTION_PATH": folder}, good)

	def steps(self, steps, contexts, extra, good):
		contexts = dict(contexts, github=self.github, steps={}, runner={"temp": self.env["RUNNER_TEMP"]})
		for step in steps:
			known(step, ("name", "id", "if", "uses", "with", "run", "shell", "env"), str(step))
			condition = step.get("if", "success()")
			if not re.search(r"\b(always|success|failure)\(", condition):
				condition = "success() && (%s)" % condition
			if not evaluate(condition, contexts, good):
				continue
			print("--- %s" % (step.get("name") or step.get("uses") or "run"), flush=True)
			given = {name: fill_in(value, contexts, good) for name, value in step.get("with", {}).items()}
			if "run" in step:
				ok = self.script(step, contexts, extra, good)
			elif step["uses"].startswith("./"):
				ok = self.composite(os.path.join(self.names["workspace"], step["uses"][2:]), given, good)
			else:
				ok = self.action(step["uses"], given)
			good = good and ok
		return good


def github(workflow, names):
	# YAML 1.1 reads the key "on" as true.
	if names["event"] not in workflow[True]:
		fail("the workflow does not run on %s" % names["event"])
	(job,) = workflow["jobs"].values()
	os.makedirs(names["workspace"])
	return GitHub(names).steps(job["steps"], {}, {}, True)


# --- GitLab ---

def expanded(text, variables):
	return re.sub(r"\$(\w+)", lambda match: variables.get(match.group(1), ""), str(text))


def rule_holds(condition, variables):
	one, other = condition.split(" == ")
	return expanded(one, variables).strip('"') == expanded(other, variables).strip('"')


def gitlab(pipeline, names):
	(job,) = pipeline.values()
	known(job, ("stage", "image", "timeout", "variables", "rules", "cache", "before_script", "script",
		"artifacts"), "the job")
	merge = names["event"] == "pull_request"
	variables = {"CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_SOURCE": "merge_request_event" if merge else "push"}
	variables["CI_MERGE_REQUEST_TARGET_BRANCH_NAME" if merge else "CI_COMMIT_BRANCH"] = names["branch"]
	variables.update(job["variables"])
	for rule in job["rules"]:
		if rule_holds(rule["if"], variables):
			for name, value in rule["variables"].items():
				variables[name] = expanded(value, variables)
			break
	else:
		fail("no rule holds: there is no job")
	os.makedirs(names["workspace"])
	checkout(names["repository"], names["workspace"])
	cache = job["cache"]
	key, policy = expanded(cache["key"], variables), expanded(cache["policy"], variables)
	(path,) = cache["paths"]
	if "pull" in policy:
		cache_restore(names, path, lambda other: other == key)
	env = dict(clean_environment(names), **variables)
	script = "set -eo pipefail\n" + "\n".join(job["before_script"] + job["script"]) + "\n"
	good = shell(["bash"], script, env, names["workspace"]) == 0
	if "push" in policy and (good or cache.get("when") == "always"):
		shutil.rmtree(os.path.join(names["caches"], key), ignore_errors=True)
		cache_save(names, key, path)
	artifacts = job["artifacts"]
	if good or artifacts.get("when") == "always":
		for path in artifacts["paths"]:
			upload(names, artifacts["name"], path)
		for report in artifacts["reports"].values():
			if not os.path.exists(os.path.join(names["workspace"], report)):
				print("Warning: there is no %s" % report)
	return good


def main():
	kind, path = sys.argv[1:3]
	names = dict(argument.split("=", 1) for argument in sys.argv[3:])
	with open(path) as text:
		document = yaml.safe_load(text)
	good = {"github": github, "gitlab": gitlab}[kind](document, names)
	print("--- the job is %s" % ("green" if good else "red"))
	sys.exit(0 if good else 1)


main()
