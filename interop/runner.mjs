/*
 * runner - runs parts one after the other, counts, and prints the table.
 *
 *   node interop/runner.mjs FOLDER FILE...
 *
 * A part prints a line "# client: NAME VERSION", then "ok NAME", "not ok NAME # why" or
 * "skip NAME # why" a line for that client. A part that prints no result, that ends with
 * another exit code than its results explain, or that is not done within its bound, has
 * failed once more. The bound is 300 s; "bound: N s" in a comment at the top of the part
 * sets another. FOLDER gets results.json and a log of each part, and is where parts run.
 *
 * A part is a process group of its own, and nothing of it is left when it is over.
 */
import { spawn } from "node:child_process";
import { createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const BOUND_S = 300;
const LINES_SHOWN = 20;

function boundOf(file) {
	const top = readFileSync(file, "utf8").split("\n").slice(0, 30).join("\n");
	const found = /\bbound: (\d+) s\b/.exec(top);
	return found ? Number(found[1]) : BOUND_S;
}

/* What the lines of a part say: rows by client, in the order of their appearance. */
class Results {
	constructor(part) {
		this.part = part;
		this.rows = [];
		this.row = null;
	}
	client(name, version) {
		this.row = this.rows.find((r) => r.client === name && r.version === version);
		if (!this.row) {
			this.row = { part: this.part, client: name, version, passed: 0, of: 0, skipped: 0, failures: [], skips: [] };
			this.rows.push(this.row);
		}
	}
	read(line) {
		const client = /^# client: (.*\S)\s+(\S+)\s*$/.exec(line);
		if (client) return this.client(client[1], client[2]);
		const result = /^(ok|not ok|skip) (.*?)(?: # (.*))?$/.exec(line);
		if (!result) return;
		if (!this.row) this.client(this.part, "-");
		const [, kind, name, why = ""] = result;
		if (kind === "skip") {
			this.row.skipped++;
			this.row.skips.push({ name, why });
			console.log(`skip    ${this.row.client} ${this.row.version}: ${name}${why && ` # ${why}`}`);
			return;
		}
		this.row.of++;
		if (kind === "ok") this.row.passed++;
		else this.failed(name, why);
	}
	failed(name, why) {
		this.row.failures.push({ name, why });
		console.log(`FAILED  ${this.row.client} ${this.row.version}: ${name}${why && ` # ${why}`}`);
	}
	/* A failure of the part as a whole. */
	broken(why) {
		if (!this.row) this.client(this.part, "-");
		this.row.of++;
		this.failed(`the part ${this.part}`, why);
	}
	count(key) {
		return this.rows.reduce((sum, row) => sum + row[key], 0);
	}
}

function signalGroup(pid, signal) {
	try {
		process.kill(-pid, signal);
	} catch {
		/* nothing of it is left */
	}
}

let current = null; /* the part that runs now */
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
	process.on(signal, () => {
		if (current) signalGroup(current.pid, "SIGKILL");
		process.exit(1);
	});

/* Resolves with how it ended, when its output is complete. */
function runPart(file, folder, results, log) {
	return new Promise((resolve) => {
		const [program, ...options] = file.endsWith(".sh") ? ["sh"] : [process.execPath];
		const child = spawn(program, [...options, file], {
			cwd: dirname(file).startsWith(folder) ? dirname(file) : folder,
			stdio: ["ignore", "pipe", "pipe"],
			detached: true,
		});
		let rest = "";
		const tail = [];
		let late = false;
		const bound_s = boundOf(file);
		const timer = setTimeout(() => {
			late = true;
			signalGroup(child.pid, "SIGKILL");
		}, bound_s * 1000);
		const line = (text) => {
			log.write(text + "\n");
			tail.push(text);
			if (tail.length > LINES_SHOWN) tail.shift();
			results.read(text);
		};
		current = child;
		child.stdout.setEncoding("utf8").on("data", (text) => {
			const lines = (rest + text).split("\n");
			rest = lines.pop();
			lines.forEach(line);
		});
		child.stderr.setEncoding("utf8").on("data", (text) => log.write(text));
		child.on("error", (error) => resolve({ why: error.message, tail }));
		/* What it left behind would keep its output open. */
		child.on("exit", () => signalGroup(child.pid, "SIGKILL"));
		child.on("close", (code, signal) => {
			clearTimeout(timer);
			if (rest) line(rest);
			current = null;
			resolve({ code, signal, late: late && bound_s, tail });
		});
	});
}

function whyBroken(results, end) {
	if (end.why) return `could not be started: ${end.why}`;
	if (end.late) return `not done after ${end.late} s`;
	if (end.signal) return `ended by ${end.signal}`;
	if (results.count("of") + results.count("skipped") === 0) return `no result, exit code ${end.code}`;
	if (end.code !== 0 && results.count("of") === results.count("passed")) return `exit code ${end.code} without a failure`;
	if (end.code === 0 && results.count("of") !== results.count("passed")) return "exit code 0 with failures";
	return null;
}

function table(rows) {
	const head = ["client", "version", "passed", "of", "skipped"];
	const cells = rows.map((row) => [row.client, row.version, row.passed, row.of, row.skipped].map(String));
	const width = head.map((text, i) => Math.max(text.length, ...cells.map((c) => c[i].length)));
	const print = (c) => c.map((text, i) => (i < 2 ? text.padEnd(width[i]) : text.padStart(width[i]))).join("  ");
	return [head, ...cells].map(print).join("\n");
}

const [folder, ...files] = process.argv.slice(2);
const all = [];
const seconds = {};
for (const file of files) {
	const part = basename(file).replace(/\.[^.]*$/, "");
	const results = new Results(part);
	const log = createWriteStream(join(folder, `${part}.log`));
	const begin = process.hrtime.bigint();
	const end = await runPart(file, folder, results, log);
	const why = whyBroken(results, end);
	log.end();
	seconds[part] = Number((process.hrtime.bigint() - begin) / 1000000n) / 1000;
	if (why) {
		results.broken(why);
		for (const text of end.tail) console.log(`        ${text}`);
	}
	const passed = results.count("passed"), of = results.count("of");
	console.log(`${passed === of ? "ok     " : "RED    "} ${part}: ${passed} of ${of}, ${seconds[part].toFixed(1)} s`);
	all.push(...results.rows);
}
const sum = (key) => all.reduce((n, row) => n + row[key], 0);
const failed = sum("of") - sum("passed");
writeFileSync(join(folder, "results.json"), JSON.stringify({ passed: sum("passed"), of: sum("of"), skipped: sum("skipped"), seconds, clients: all }, null, "\t") + "\n");
console.log("\n" + table(all) + "\n");
console.log(`${sum("passed")} passed, ${failed} failed, ${sum("skipped")} skipped`);
process.exitCode = failed > 0 || files.length === 0 ? 1 : 0;
