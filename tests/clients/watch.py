"""py-consul against a running agent: registers, lists, and watches by blocking queries. Argument: the HTTP port."""

import sys
import threading
import time

import consul

PORT = int(sys.argv[1])


def client():
    return consul.Consul(host="127.0.0.1", port=PORT)


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: wanted {wanted!r}, got {got!r}")


def during_a_wait(what, write, watch):
    """Runs a write while a blocking query waits, and returns what the query then answers."""
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(watch(client())))
    waiting.start()
    time.sleep(0.2)
    expect(f"{what}: answers before the write", answers, [])
    began = time.monotonic()
    write(client())
    waiting.join(timeout=10)
    if waiting.is_alive():
        sys.exit(f"{what}: the watch slept through the write")
    print(f"{what}: seen after {(time.monotonic() - began) * 1000:.1f} ms")
    return answers[0]


def main():
    c = client()
    expect("leader", c.status.leader(), "127.0.0.1:8300")
    expect("node", c.agent.self()["Config"]["NodeName"], "n1")

    check = consul.Check.ttl("10m")
    registered = c.agent.service.register("web", service_id="web1", port=8080, tags=["v1"], meta={"a": "b"}, check=check)
    expect("register", registered, True)
    services = c.agent.services()
    expect("services", {name: (s["Service"], s["Port"], s["Tags"]) for name, s in services.items()},
           {"web1": ("web", 8080, ["v1"])})
    expect("definition", c.agent.service_definition("web1")["Meta"], {"a": "b"})
    index, listed = c.catalog.services()
    expect("catalog", listed, {"consul": [], "web": ["v1"]})
    index, nodes = c.catalog.nodes()
    expect("nodes", [node["Node"] for node in nodes], ["n1"])

    index, passing = c.health.service("web", passing=True)
    expect("passing before the report", passing, [])
    index, passing = during_a_wait(
        "a check that passes",
        lambda w: expect("report", w.agent.check.ttl_pass("service:web1", "fine"), True),
        lambda r: r.health.service("web", index=index, wait="60s", passing=True),
    )
    expect("passing after the report", [entry["Service"]["ID"] for entry in passing], ["web1"])

    index, listed = c.catalog.services()
    index, listed = during_a_wait(
        "a new service with a sidecar",
        lambda w: expect("register", w.agent.service.register("api", port=9090, connect={"SidecarService": {}}), True),
        lambda r: r.catalog.services(index=index, wait="60s"),
    )
    expect("catalog after the registration", sorted(listed), ["api", "api-sidecar-proxy", "consul", "web"])
    index, proxies = c.health.connect("api")
    expect("proxies", len(proxies), 1)

    index, gone = c.health.service("web")
    index, gone = during_a_wait(
        "a service that goes",
        lambda w: expect("deregister", w.agent.service.deregister("web1"), True),
        lambda r: r.health.service("web", index=index, wait="60s"),
    )
    expect("instances after the removal", gone, [])

    expect("config write", c.config.set("service-defaults", "api", {"Protocol": "http"}), True)
    expect("roots", len(c.connect.ca.roots()["Roots"]), 1)
    began = time.monotonic()
    c.catalog.services(index=c.catalog.services()[0], wait="1s")
    expect("a wait that is over lasts about as long as asked for", 0.9 < time.monotonic() - began < 5, True)


main()
