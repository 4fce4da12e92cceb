// npm's consul against a running agent: registers, lists, and watches by blocking queries. Argument: the HTTP port.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { once } from "node:events";

// the library is installed outside this folder: its own path is given by NODE_PATH, which only require knows
const Consul = createRequire(import.meta.url)("consul");
const consul = new Consul({ host: "127.0.0.1", port: Number(process.argv[2]) });

// Runs a write while a watch waits, and returns what the watch then says.
async function seen(what, watch, write) {
  const began = performance.now();
  const change = once(watch, "change", { signal: AbortSignal.timeout(10_000) });
  await write();
  const [data] = await change;
  console.log(`${what}: seen after ${(performance.now() - began).toFixed(1)} ms`);
  return data;
}

function watching(method, options) {
  const watch = consul.watch({ method, options: { ...options, wait: "60s" } });
  watch.on("error", (error) => {
    console.error(error);
    process.exit(1);
  });
  return watch;
}

assert.equal(await consul.status.leader(), "127.0.0.1:8300");
assert.equal((await consul.agent.self()).Config.NodeName, "n1");

await consul.agent.service.register({ name: "web", id: "web1", port: 8080, tags: ["v1"], check: { ttl: "10m" } });
const services = await consul.agent.service.list();
assert.deepEqual(Object.keys(services), ["web1"]);
assert.equal(services.web1.Port, 8080);
assert.deepEqual(await consul.catalog.service.list(), { consul: [], web: ["v1"] });
assert.deepEqual((await consul.catalog.node.list()).map((node) => node.Node), ["n1"]);
assert.equal((await consul.agent.check.list())["service:web1"].Status, "critical");

const health = watching(consul.health.service, { service: "web", passing: true });
assert.deepEqual(await seen("what stands", health, async () => {}), []);
const passing = await seen("a check that passes", health, () => consul.agent.check.pass("service:web1"));
assert.deepEqual(passing.map((entry) => entry.Service.ID), ["web1"]);
const failing = await seen("a check that fails", health, () => consul.agent.check.fail("service:web1"));
assert.deepEqual(failing, []);
health.end();

const names = watching(consul.catalog.service.list, {});
await seen("the names that stand", names, async () => {});
const listed = await seen("a new service with a sidecar", names, () =>
  consul.agent.service.register({ name: "api", port: 9090, connect: { sidecarservice: {} } }));
assert.deepEqual(Object.keys(listed).sort(), ["api", "api-sidecar-proxy", "consul", "web"]);
const fewer = await seen("a service that goes", names, () => consul.agent.service.deregister("web1"));
assert.deepEqual(Object.keys(fewer).sort(), ["api", "api-sidecar-proxy", "consul"]);
names.end();

await assert.rejects(consul.agent.service.deregister("nobody"), (error) => error.response.statusCode === 404);
process.exit(0);
