"use strict";
for (const part of document.querySelectorAll("details.case")) {
	const tools = part.querySelector(".tools");
	const picture = part.querySelector(".picture");
	if (!tools || !picture)
		continue;
	const list = picture.querySelector(".lanes");
	const lanes = [...list.children];
	const rows = picture.querySelector(".rows");
	const lines = [...part.querySelectorAll("tr[data-t]")];
	const over = [...picture.querySelectorAll(".over line[data-a]")];
	const note = tools.querySelector(".range");
	const axis = [Number(picture.dataset.from), Number(picture.dataset.to)];
	const choice = document.createElement("div");
	const longest = Math.max(...lanes.map(took));
	let pressed = null;

	tools.hidden = false;
	choice.className = "choice";
	choice.hidden = true;
	rows.append(choice);

	function took(lane) {
		return Math.max(0, lane.dataset.to - lane.dataset.from);
	}

	function time(ms) {
		return (ms < 0 ? "\u2212" : "+") + Math.abs(ms).toFixed(1) + " ms";
	}

	/* The lines between the lanes follow them. */
	function place() {
		const shown = [...list.children].filter(lane => !lane.hidden);
		const at = new Map(shown.map((lane, i) => [lane.dataset.n, i]));

		for (const line of over) {
			const a = at.get(line.dataset.a), b = at.get(line.dataset.b);
			const foot = line.classList.contains("held") ? 0.92 : 0.5;

			line.style.display = a === undefined || b === undefined ? "none" : "";
			if (a === undefined || b === undefined)
				continue;
			line.setAttribute("y1", 100 * (a + foot) / shown.length + "%");
			line.setAttribute("y2", 100 * (b + foot) / shown.length + "%");
		}
	}

	function arrange() {
		const by = tools.elements.by.value;
		const least = longest * (tools.elements.min.value / 100) ** 2;
		const keys = {
			n: lane => Number(lane.dataset.n),
			from: lane => Number(lane.dataset.from),
			took: lane => -took(lane),
			kind: lane => ["engine", "process", "session", "request"]
				.findIndex(kind => lane.classList.contains(kind)),
		};

		lanes.sort((a, b) => keys[by](a) - keys[by](b) || a.dataset.n - b.dataset.n);
		for (const lane of lanes)
			lane.hidden = took(lane) < least;
		list.append(...lanes);
		tools.elements.least.value = least ? least.toFixed(1) + " ms" : "0";
		place();
	}

	/* Lines and processes of this range alone; no range: all of them. */
	function choose(from, to, what) {
		for (const line of lines)
			line.hidden = from !== null && (line.dataset.t < from || line.dataset.t > to);
		note.textContent = "";
		choice.hidden = from === null;
		if (from === null) {
			for (const lane of lanes)
				lane.classList.remove("chosen");
			return;
		}
		const track = lanes[0].querySelector("svg").getBoundingClientRect();
		const box = rows.getBoundingClientRect();
		const scale = track.width / (axis[1] - axis[0]);
		const left = Math.max(from, axis[0]), right = Math.min(to, axis[1]);
		const button = document.createElement("button");

		choice.style.left = track.left - box.left + (left - axis[0]) * scale + "px";
		choice.style.width = Math.max(1, (right - left) * scale) + "px";
		note.textContent = `${what}${time(from)} to ${time(to)}: ` +
			`${lines.filter(line => !line.hidden).length} lines `;
		button.type = "button";
		button.textContent = "whole stop";
		button.addEventListener("click", () => choose(null));
		note.append(button);
		for (const details of part.querySelectorAll("details.lines"))
			details.open = true;
	}

	function moment(event) {
		const track = lanes[0].querySelector("svg").getBoundingClientRect();

		return axis[0] + (event.clientX - track.left) / track.width * (axis[1] - axis[0]);
	}

	rows.addEventListener("pointerdown", event => {
		pressed = event.button === 0 ? moment(event) : null;
	});
	window.addEventListener("pointerup", event => {
		const from = pressed, to = moment(event);
		const lane = event.target instanceof Element && event.target.closest(".lane");

		pressed = null;
		if (from === null)
			return;
		for (const other of lanes)
			other.classList.remove("chosen");
		if (Math.abs(to - from) > (axis[1] - axis[0]) / 50) {
			choose(Math.min(from, to), Math.max(from, to), "");
		} else if (lane && list.contains(lane)) {
			choose(Number(lane.dataset.from), Number(lane.dataset.to),
				lane.querySelector(".name").textContent + ", ");
			lane.classList.add("chosen");
		}
	});
	window.addEventListener("keydown", event => {
		if (event.key === "Escape")
			choose(null);
	});
	tools.addEventListener("input", arrange);
	tools.addEventListener("submit", event => event.preventDefault());
}
function follow() {
	const part = location.hash.startsWith("#case-") && document.getElementById(location.hash.slice(1));

	if (part)
		part.open = true;
}
addEventListener("hashchange", follow);
follow();
