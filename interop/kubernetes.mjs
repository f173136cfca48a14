/*
 * @kubernetes/client-node against kube-fake, whose kubelet is simulated: it creates, lists,
 * watches with an informer, patches, scales, evicts. Every object that kube-fake gives is
 * validated against the schemas of the published OpenAPI file, as kubernetes-models has
 * made them.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import * as k8s from "@kubernetes/client-node";

import { check, client, finish, startProgram, tempFolder, until, versionOf, BIN } from "./lib.mjs";


async function startFake() {
	const folder = tempFolder();
	const port = join(folder, "port");
	const fake = startProgram(join(BIN, "kube-fake"), ["--port-file", port]);
	await until(() => fake.ended || existsSync(port), "kube-fake writes its port");
	if (fake.ended) throw new Error(`kube-fake ended: ${fake.stderr}`);
	fake.url = `http://127.0.0.1:${readFileSync(port, "utf8").trim()}`;
	return fake;
}

const deployment = (replicas) => ({
	apiVersion: "apps/v1",
	kind: "Deployment",
	metadata: { name: "web" },
	spec: {
		replicas,
		selector: { matchLabels: { app: "web" } },
		template: {
			metadata: { labels: { app: "web" }, finalizers: ["stopbench/hold"] },
			spec: { terminationGracePeriodSeconds: 5, containers: [{ name: "web", image: "web" }] },
		},
	},
});

const fake = await startFake();
const config = new k8s.KubeConfig();
/* Plain HTTP is only taken with skipTLSVerify. */
config.loadFromClusterAndUser({ name: "simulated", server: fake.url, skipTLSVerify: true }, { name: "simulated" });
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const namespace = "default";
const pods = async () => (await core.listNamespacedPod({ namespace })).items;

client("@kubernetes/client-node", versionOf("@kubernetes/client-node"));

const seen = { add: [], update: [], delete: [] };
const informer = k8s.makeInformer(config, "/api/v1/namespaces/default/pods", () => core.listNamespacedPod({ namespace }));
for (const kind of Object.keys(seen)) informer.on(kind, (pod) => seen[kind].push(pod));
informer.on("error", (error) => console.error(error));

await check("a version that says what it is", async () => {
	const version = await config.makeApiClient(k8s.VersionApi).getCode();
	if (!version.gitVersion.endsWith("+simulated")) throw new Error(version.gitVersion);
});
await check("a deployment is created, and its pods become ready", async () => {
	await informer.start();
	await apps.createNamespacedDeployment({ namespace, body: deployment(3) });
	await until(
		async () => (await apps.readNamespacedDeploymentStatus({ name: "web", namespace })).status?.availableReplicas === 3,
		"three replicas are available",
	);
});
await check("the informer sees them come and change", () =>
	until(() => seen.add.length === 3 && seen.update.some((pod) => pod.status?.phase === "Running"), "three pods are seen"),
);
await core.createNamespacedService({
	namespace,
	body: { metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] } },
});
await check("a pod that is deleted is held by its finalizer, with its exit code", async () => {
	const name = (await pods())[0].metadata.name;
	await core.deleteNamespacedPod({ name, namespace });
	const held = await until(async () => {
		const pod = await core.readNamespacedPod({ name, namespace });
		return pod.status.containerStatuses[0].state.terminated && pod;
	}, "its container ends");
	if (held.status.containerStatuses[0].state.terminated.exitCode !== 0) throw new Error("exit code");
	if (!held.metadata.deletionTimestamp) throw new Error("no deletionTimestamp");
	await core.patchNamespacedPod(
		{ name, namespace, body: [{ op: "remove", path: "/metadata/finalizers/0" }] },
		k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.JsonPatch),
	);
	await until(() => seen.delete.some((pod) => pod.metadata.name === name), "the informer sees it go");
});
await check("scale", async () => {
	const scale = await apps.readNamespacedDeploymentScale({ name: "web", namespace });
	scale.spec.replicas = 1;
	await apps.replaceNamespacedDeploymentScale({ name: "web", namespace, body: scale });
	await until(async () => (await pods()).filter((pod) => !pod.metadata.deletionTimestamp).length === 1, "one pod is left");
});
await check("eviction", async () => {
	const name = (await pods()).find((pod) => !pod.metadata.deletionTimestamp).metadata.name;
	await core.createNamespacedPodEviction({ name, namespace, body: { metadata: { name, namespace } } });
	const pod = await core.readNamespacedPod({ name, namespace });
	if (!pod.metadata.deletionTimestamp) throw new Error("it is not being deleted");
});
await check("an old version is answered with 410", async () => {
	await fetch(`${fake.url}/control/behavior`, { method: "PUT", body: '{"compacted": true}' });
	const text = await (await fetch(`${fake.url}/api/v1/pods?watch=1&resourceVersion=1`)).text();
	const event = JSON.parse(text);
	if (event.type !== "ERROR" || event.object.code !== 410) throw new Error(text);
});

client("kubernetes-models", versionOf("kubernetes-models"));
const models = [
	["/api/v1/namespaces", "kubernetes-models/v1", "Namespace"],
	["/api/v1/nodes", "kubernetes-models/v1", "Node"],
	["/api/v1/pods", "kubernetes-models/v1", "Pod"],
	["/api/v1/services", "kubernetes-models/v1", "Service"],
	["/api/v1/events", "kubernetes-models/v1", "Event"],
	["/apis/apps/v1/deployments", "kubernetes-models/apps/v1", "Deployment"],
	["/apis/apps/v1/replicasets", "kubernetes-models/apps/v1", "ReplicaSet"],
	["/apis/discovery.k8s.io/v1/endpointslices", "kubernetes-models/discovery.k8s.io/v1", "EndpointSlice"],
];
for (const [path, module, name] of models)
	await check(`every object of ${path} is one of the OpenAPI file`, async () => {
		const items = await until(async () => {
			const list = await (await fetch(fake.url + path)).json();
			return list.items.length > 0 && list.items;
		}, "there is one");
		const Model = (await import(module))[name];
		for (const item of items) new Model(item).validate();
	});
await check("what is wrong is refused by the same schemas", async () => {
	const { Pod } = await import("kubernetes-models/v1");
	let refused = false;
	try {
		new Pod({ metadata: { name: "a" }, spec: { containers: [{ image: 1 }] } }).validate();
	} catch {
		refused = true;
	}
	if (!refused) throw new Error("a container whose image is a number was accepted");
});

await informer.stop();
await fake.stop();
await finish();
