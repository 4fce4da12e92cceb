//! `chancery connect`: bootstraps and the rules that lead connections through a proxy.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use chancery_tests::agent::Agent;
use chancery_tests::certificates::Certificates;
use chancery_tests::ports::free_port;
use chancery_tests::setup;
use serde_json::{Value, json};

use crate::{done, refused, run};

#[tokio::test]
async fn rules_that_redirect_traffic_follow_the_registration_and_can_be_looked_at_first() {
    let agent = Agent::dev().await;
    let proxy = json!({ "Mode": "transparent", "TransparentProxy": { "OutboundListenerPort": 15009 },
        "Config": { "envoy_prometheus_bind_addr": "0.0.0.0:9102" } });
    let service =
        json!({ "Name": "web", "Port": 8080, "Connect": { "SidecarService": { "Port": 20000, "Proxy": proxy } } });
    agent.put("/v1/agent/service/register", service).await;
    let rules = done(
        &agent,
        "connect redirect-traffic -proxy-id web-sidecar-proxy -proxy-uid 5678 -exclude-outbound-cidr 10.0.0.0/8 -dry-run",
    );
    for rule in [
        "*nat\n",
        "-A CONSUL_PROXY_OUTPUT -m owner --uid-owner 5678 -j RETURN\n",
        "-A CONSUL_PROXY_OUTPUT -d 10.0.0.0/8 -j RETURN\n",
        "-A CONSUL_PROXY_REDIRECT -p tcp -j REDIRECT --to-ports 15009\n",
        "-A CONSUL_PROXY_INBOUND -p tcp --dport 9102 -j RETURN\n",
        "-A CONSUL_PROXY_IN_REDIRECT -p tcp -j REDIRECT --to-ports 20000\n",
        "COMMIT\n",
    ] {
        assert!(rules.contains(rule), "{rule} is missing in\n{rules}");
    }
    assert!(!rules.contains("::1"), "nothing is said of IPv6 where the proxy is not: {rules}");
    let command = "connect redirect-traffic -proxy-inbound-port 20000 -proxy-uid 5678 -exclude-outbound-cidr fd00::/8 -dry-run -ipv6";
    let rules = done(&agent, command);
    let (four, six) = rules.split_once("# ip6tables-restore --noflush\n").expect("one document for each family");
    assert!(four.starts_with("# iptables-restore --noflush\n") && !four.contains("fd00"), "{four}");
    for rule in ["-d fd00::/8 -j RETURN\n", "-d ::1/128 -j RETURN\n", "--to-ports 15001\n", "--to-ports 20000\n"] {
        assert!(six.contains(rule), "{rule} is missing in\n{six}");
    }
    let told = refused(&agent, "connect redirect-traffic -proxy-id nobody -proxy-uid 5678 -dry-run");
    assert!(told.contains("No proxy is registered with the ID \"nobody\""), "{told}");
    let (code, told) = run(&agent, "connect redirect-traffic -proxy-uid 5678 -dry-run");
    assert!(code != 0 && told.contains("-proxy-id"), "{told}");
}

#[test]
fn only_root_may_redirect_traffic() {
    if !rustix::process::geteuid().is_root() {
        return setup::skip("redirect-traffic without root", "the right to be somebody else (root)");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("it is ours");
    // where everybody may run it; copied by a program of its own, since what other tests start meanwhile would inherit a
    // file that this one writes, and nothing runs that somebody may still write
    let program = folder.path().join("chancery");
    let copied = Command::new("cp").arg(setup::chancery()).arg(&program).status().expect("there is a cp");
    assert!(copied.success(), "the program is there");
    let mut command = Command::new(&program);
    command.args(["connect", "redirect-traffic", "-proxy-inbound-port", "20000", "-proxy-uid", "5678"]);
    let output = command.uid(65534).current_dir("/").output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("only root may change the rules of iptables"), "{told}");
    assert!(told.contains("-dry-run"), "it says what to do instead: {told}");
}

#[tokio::test]
async fn an_xds_server_with_tls_is_not_taken_on_trust() {
    let certificates = Certificates::new();
    let (port, settings) = (free_port(), certificates.settings(""));
    let agent = Agent::start(&["-dev", "-grpc-tls-port", &port.to_string(), "-hcl", &settings]).await;
    let described: Value = serde_json::from_str(&agent.http.get("/v1/agent/self").await.unwrap().text()).unwrap();
    assert_eq!(described["xDS"]["Ports"], json!({ "Plaintext": agent.grpc_port, "TLS": port }));
    let file = agent.write_file("web.hcl", "service { name = \"web\" port = 1 connect { sidecar_service {} } }");
    done(&agent, &format!("services register {}", file.display()));

    let told = refused(&agent, "connect envoy -sidecar-for web -bootstrap");
    assert!(told.contains("give -grpc-ca-file") && told.contains(&format!("HOST:{}", agent.grpc_port)), "{told}");
    let authority = certificates.authority().display().to_string();
    for flag in ["-grpc-ca-file", "-ca-file"] {
        let made = done(&agent, &format!("connect envoy -sidecar-for web -bootstrap {flag} {authority}"));
        let made: Value = serde_json::from_str(&made).unwrap_or_else(|error| panic!("{error}: {made}"));
        let cluster = &made["static_resources"]["clusters"][0];
        let at = &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"];
        assert_eq!(at["socket_address"]["port_value"], port, "{flag}");
        let trusted = &cluster["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"];
        assert!(trusted["trusted_ca"]["inline_string"].as_str().is_some_and(|pem| pem.contains("CERTIFICATE")));
    }
    let plain = done(
        &agent,
        &format!("connect envoy -sidecar-for web -bootstrap -grpc-addr http://127.0.0.1:{}", agent.grpc_port),
    );
    assert!(!plain.contains("transport_socket\""), "{plain}");
}

#[tokio::test]
async fn flags_of_gateways_are_refused_by_name() {
    let agent = Agent::dev().await;
    for flags in ["-gateway mesh", "-gateway=mesh -register", "-mesh-gateway", "-proxy-id x -wan-address 1.2.3.4:5"] {
        let told = refused(&agent, &format!("connect envoy {flags}"));
        assert!(told.contains("gateways are not supported yet") && told.contains("-sidecar-for"), "{told}");
    }
    let told = refused(&agent, "connect envoy -proxy-id x -no-central-config -bootstrap -prometheus-cert-file a.pem");
    assert!(told.contains("needs all of -prometheus-ca-file"), "{told}");
}

#[tokio::test]
async fn a_bootstrap_for_an_old_envoy_is_refused_unless_any_will_do() {
    let agent = Agent::dev().await;
    let line = "connect envoy -proxy-id x -no-central-config -bootstrap";
    let told = refused(&agent, &format!("{line} -envoy-version 1.20.0"));
    assert!(told.contains("-envoy-version 1.20.0: Envoy 1.20.0 is too old"), "{told}");
    for flags in ["-envoy-version 1.34.1", "-envoy-version 1.20.0 -ignore-envoy-compatibility"] {
        assert!(done(&agent, &format!("{line} {flags}")).contains("dynamic_resources"));
    }
    let told = refused(&agent, &format!("{line} -enable-config-gen-logging"));
    assert!(told.contains("nothing is logged while the bootstrap is made"), "{told}");
}
