mod served;

use std::time::Duration;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser as _};

use super::*;
use crate::doors::http::Network;
use crate::doors::listening::OldestTls;

use crate::checks::settings::Scripts;
use crate::flags::go_flags;

fn flags(args: &str) -> AgentFlags {
    parsed(args).unwrap()
}

fn parsed(args: &str) -> Result<AgentFlags, clap::Error> {
    let args = std::iter::once("agent").chain(args.split_whitespace()).map(OsString::from);
    AgentFlags::try_parse_from(go_flags(&AgentFlags::command(), args))
}

/// A folder with these files; its path stands for `DIR` in what goes in and comes out.
struct Folder(tempfile::TempDir);

impl Folder {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            std::fs::write(folder.0.path().join(name), text).unwrap();
        }
        folder
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn load(&self, args: &str) -> Result<AgentConfig, String> {
        let flags = flags(&args.replace("DIR", self.path()));
        AgentConfig::load(&flags).map_err(|error| self.shown(&error.to_string()))
    }

    fn shown(&self, text: &str) -> String {
        text.replace(self.path(), "DIR")
    }
}

fn port(address: &str) -> ListenAddress {
    ListenAddress::Port(address.parse().unwrap())
}

fn loaded(hcl: &str) -> AgentConfig {
    Folder::of(&[("a.hcl", hcl)]).load("-dev -config-file DIR/a.hcl").unwrap()
}

fn refused(hcl: &str) -> String {
    Folder::of(&[("a.hcl", hcl)]).load("-dev -config-file=DIR/a.hcl").unwrap_err()
}

#[test]
fn dev_needs_nothing_else() {
    let config = AgentConfig::load(&flags("-dev")).unwrap();
    assert_eq!(config.datacenter, "dc1");
    assert!(!config.node_name.is_empty());
    assert_eq!((config.dev, &config.data_dir), (true, &None));
    assert_eq!(config.http, [port("127.0.0.1:8500")]);
    assert_eq!((config.https.len(), &config.http_settings), (0, &HttpSettings::default()));
    assert_eq!(config.grpc, ["127.0.0.1:8502".parse().unwrap()]);
    assert_eq!(config.advertise_addr, Ipv4Addr::LOCALHOST);
    assert_eq!((config.default_intention, config.log_level.as_str(), config.log_json), (Action::Allow, "info", false));
    assert_eq!(config.lifetimes, Lifetimes::DEFAULT);
    assert!(config.threads >= 1);
    assert_eq!(AgentConfig::load(&flags("-dev -threads 3")).unwrap().threads, 3);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn without_dev_a_data_directory_is_required() {
    let error = AgentConfig::load(&flags("-node a")).unwrap_err();
    assert_eq!(error.to_string(), "data_dir is required (or use -dev)");
    let config = AgentConfig::load(&flags("-data-dir=/tmp/x")).unwrap();
    assert_eq!((config.data_dir, config.dev), (Some(PathBuf::from("/tmp/x")), false));
    assert_eq!(config.bind_addr, Ipv4Addr::UNSPECIFIED);
    assert!(!config.advertise_addr.is_unspecified());
}

#[test]
fn every_flag_takes_effect() {
    let config = AgentConfig::load(&flags(
        "-dev=true -node n1 -datacenter DC2 -node-id 6BA7B810-9dad-11d1-80b4-00c04fd430c8 -node-meta a:b:c \
         -client 0.0.0.0 -bind=10.0.0.1 -advertise 10.0.0.2 -http-port 18500 -grpc-port -1 -log-level WARN -log-json \
         -default-intention-policy deny -server=false -bootstrap -bootstrap-expect=3 -data-dir /tmp/x",
    ))
    .unwrap();
    assert_eq!((config.node_name.as_str(), config.datacenter.as_str()), ("n1", "dc2"));
    assert_eq!(config.node_id.as_deref(), Some("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
    assert_eq!(config.node_meta["a"], "b:c");
    assert_eq!(config.http, [port("0.0.0.0:18500")]);
    assert_eq!(config.grpc, []);
    assert_eq!(
        (config.bind_addr.to_string(), config.advertise_addr.to_string()),
        ("10.0.0.1".into(), "10.0.0.2".into())
    );
    assert_eq!((config.log_level.as_str(), config.log_json), ("warn", true));
    assert_eq!(config.default_intention, Action::Deny);
    assert_eq!(
        config.warnings,
        [
            "flag -server=false has no effect: every agent is a server",
            "flag -bootstrap-expect has no effect: every agent is its own cluster",
            "data_dir has no effect with -dev: state is kept in memory",
        ]
    );
}

#[test]
fn every_key_takes_effect() {
    let config = loaded(
        r#"
        datacenter = "dc3"
        node_name = "n2"
        node_id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        node_meta { rack = 7 }
        locality { region = "us-east-1", zone = "us-east-1a" }
        client_addr = "127.0.0.1 ::1"
        bind_addr = "10.0.0.1"
        ports { http = "8600", grpc = 8602, sidecar_min_port = 30000, sidecar_max_port = 30001 }
        addresses = { grpc = "10.0.0.1" }
        acl { default_policy = "deny" }
        connect { enabled = true, ca_provider = "consul"
          ca_config { cluster_id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8", leaf_cert_ttl = "1h", root_cert_ttl = "20000h" } }
        log_level = "TRACE"
        pid_file = "/run/chancery.pid"
        primary_datacenter = "dc3"
        log_json = true
        server = true
        bootstrap = true
        bootstrap_expect = 1
        service { name = "web", port = 8080, connect { sidecar_service {} } }
        services = [{ name = "db" }]
        checks = [{ name = "disk", ttl = "30s" }]
        config_entries { bootstrap = [
          { Kind = "service-defaults", Name = "web", Protocol = "http" },
          { kind = "service-intentions", name = "web", sources = { name = "*", action = "allow" } },
        ] }
        "#,
    );
    assert_eq!((config.datacenter.as_str(), config.node_name.as_str()), ("dc3", "n2"));
    assert_eq!(config.node_meta["rack"], "7");
    assert_eq!(
        config.locality.map(|locality| (locality.region, locality.zone)),
        Some(("us-east-1".into(), "us-east-1a".into()))
    );
    assert_eq!(config.http, [port("127.0.0.1:8600"), port("[::1]:8600")]);
    assert_eq!(config.grpc, ["10.0.0.1:8602".parse().unwrap()]);
    assert_eq!((config.sidecar_ports, config.pid_file), (30000..=30001, Some("/run/chancery.pid".into())));
    assert_eq!(config.default_intention, Action::Deny);
    assert_eq!(config.cluster_id.as_deref(), Some("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
    assert_eq!(config.lifetimes.leaf, Duration::from_secs(3600));
    assert_eq!(config.lifetimes.root, Duration::from_secs(20_000 * 3600));
    assert_eq!((config.log_level.as_str(), config.log_json), ("trace", true));
    let services: Vec<_> =
        config.services.iter().map(|one| (one.service.name.as_str(), one.sidecar.is_some())).collect();
    assert_eq!(services, [("web", true), ("db", false)]);
    assert_eq!(config.services[0].service.node, "n2");
    assert_eq!((config.checks[0].id.as_str(), config.checks[0].node.as_str()), ("disk", "n2"));
    let entries: Vec<_> = config.entries.iter().map(|entry| entry.key().to_string()).collect();
    assert_eq!(entries, ["service-defaults/web", "service-intentions/web"]);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn later_files_win_and_flags_over_all_and_definitions_add_up() {
    let folder = Folder::of(&[
        ("2.hcl", "node_name = \"b\"\nlog_level = \"warn\"\nservice { name = \"two\" }\nnode_meta { b = 2 }"),
        (
            "1.json",
            r#"{ "node_name": "a", "datacenter": "x", "services": [{ "name": "one" }], "node_meta": { "a": "1" } }"#,
        ),
        ("ignored.txt", "what is this"),
        ("last.hcl", "log_level = \"error\"\nservice { name = \"three\" }"),
        ("empty.json", ""),
    ]);
    let config = folder.load("-dev -config-dir DIR -datacenter y").unwrap();
    let names = |config: &AgentConfig| -> Vec<String> {
        config.services.iter().map(|registration| registration.service.name.to_string()).collect()
    };
    assert_eq!((config.node_name.as_str(), config.datacenter.as_str()), ("b", "y"));
    assert_eq!(config.log_level, "error");
    assert_eq!(config.node_meta.len(), 2);
    assert_eq!(names(&config), ["one", "two", "three"]);
    let mixed = folder.load("-dev -config-file DIR/last.hcl -config-dir DIR -config-file DIR/2.hcl").unwrap();
    assert_eq!(names(&mixed), ["three", "one", "two", "three", "two"]);
    assert_eq!(mixed.log_level, "warn");
}

#[test]
fn a_directory_may_be_absent_or_empty_and_a_file_may_not() {
    let folder = Folder::of(&[]);
    assert_eq!(folder.load("-dev -config-dir DIR").unwrap().warnings, Vec::<String>::new());
    let absent = folder.load("-dev -config-dir DIR/none").unwrap();
    assert_eq!(folder.shown(&absent.warnings[0]), "DIR/none: this directory does not exist");
    let error = folder.load("-dev -config-file DIR/none.hcl").unwrap_err();
    assert_eq!(error, "DIR/none.hcl: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn a_key_without_effect_is_told_once() {
    let folder = Folder::of(&[(
        "a.json",
        r#"{
  "retry_join": ["a", "b"],
  "performance": { "raft_multiplier": 1 },
  "segments": null,
  "ports": { "dns": -1, "http": 8500 },
  "acl": { "tokens": {} },
  "server": false,
  "connect": { "enabled": false, "ca_config": { "intermediate_cert_ttl": "1h" } }
}"#,
    )]);
    let config = folder.load("-dev -config-file DIR/a.json").unwrap();
    let warnings: Vec<_> = config.warnings.iter().map(|warning| folder.shown(warning)).collect();
    let expected = [
        "DIR/a.json:7: key \"server\" has no effect: every agent is a server",
        "DIR/a.json:8: key \"connect.ca_config.intermediate_cert_ttl\" has no effect: the root signs leaves itself",
        "DIR/a.json:3: key \"performance\" has no effect: state is kept by an embedded store, without Raft",
        "DIR/a.json:2: key \"retry_join\" has no effect: an agent is a cluster of its own: there are no others to join, \
         follow or replicate",
    ];
    assert_eq!(warnings, expected, "dns is switched off, tokens are none: that is how it is");
}

#[test]
fn what_sdk_harnesses_write_is_taken() {
    let folder = Folder::of(&[(
        "a.json",
        r#"{ "node_name": "node-1", "node_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
  "performance": { "raft_multiplier": 1 }, "bootstrap": true, "server": true, "data_dir": "/tmp/d", "segments": null,
  "disable_update_check": true, "log_level": "debug", "bind_addr": "127.0.0.1", "addresses": {},
  "ports": { "dns": 1, "http": 2, "https": 3, "serf_lan": 4, "serf_wan": 5, "server": 6, "grpc": 7, "grpc_tls": 8 },
  "acl": { "tokens": {} }, "skip_leave_on_interrupt": true, "version": "1", "peering": { "enabled": true },
  "connect": { "enabled": true, "ca_config": { "cluster_id": "11111111-2222-3333-4444-555555555555" } },
  "primary_datacenter": "dc1", "node_meta": { "k": "v" }, "verify_incoming_https": false, "enable_debug": true,
  "enable_script_checks": true, "encrypt": "", "retry_join": null, "raft_protocol": 3 }"#,
    )]);
    let config = folder.load("-config-file DIR/a.json").unwrap();
    assert_eq!(config.grpc, ["127.0.0.1:7".parse().unwrap()]);
    assert_eq!(config.data_dir, Some(PathBuf::from("/tmp/d")));
}

/// Files with what is told about them.
fn told(cases: &[(&str, &str)]) {
    for (hcl, expected) in cases {
        let expected = expected.replace("NOT_YET", "is not supported by this version of chancery");
        assert_eq!(refused(hcl), expected, "{hcl}");
    }
}

#[test]
fn a_wrong_key_is_told_with_file_and_line() {
    told(&[
        (
            "\nnode_nam = \"a\"",
            "DIR/a.hcl:2: key \"node_nam\": unknown field \"node_nam\" in the configuration; did you mean \"node_name\"?",
        ),
        (
            "ports {\n  htp = 1\n}",
            "DIR/a.hcl:2: key \"ports.htp\": unknown field \"htp\" in ports; did you mean \"http\"?",
        ),
        ("a = [", "DIR/a.hcl:1: column 6: expected a value, found the end of the file"),
        (
            "ports { http = 70000 }",
            "DIR/a.hcl:1: key \"ports.http\": expected a port from 1 to 65535, or -1, got 70000",
        ),
        ("ports { http = \"x\" }", "DIR/a.hcl:1: key \"ports.http\": expected a whole number, got the text \"x\""),
        (
            "log_level = \"loud\"",
            "DIR/a.hcl:1: key \"log_level\": expected trace, debug, info, warn or error, got \"loud\"",
        ),
        ("datacenter = \"d.c\"", "DIR/a.hcl:1: key \"datacenter\": expected letters, digits, - and _, got \"d.c\""),
        ("node_id = \"7\"", "DIR/a.hcl:1: key \"node_id\": expected a UUID, got \"7\""),
        ("client_addr = \"localhost\"", "DIR/a.hcl:1: key \"client_addr\": expected an IP address, got \"localhost\""),
    ]);
}

#[test]
fn what_is_not_supported_is_told() {
    told(&[
        (
            "addresses { grpc = \"unix:///s\" }",
            "DIR/a.hcl:1: key \"addresses.grpc\": the unix socket \"unix:///s\" cannot be used here: give an IP address",
        ),
        (
            "default_intention_policy = \"maybe\"",
            "DIR/a.hcl:1: key \"default_intention_policy\": expected allow or deny, got \"maybe\"",
        ),
        (
            "acl {\n default_policy = \"read\"\n}",
            "DIR/a.hcl:2: key \"acl.default_policy\": expected allow or deny, got \"read\"",
        ),
        ("connect { ca_provider = \"vault\" }", "DIR/a.hcl:1: key \"connect.ca_provider\": the text \"vault\" NOT_YET"),
        (
            "connect { ca_config { leaf_cert_ttl = \"1m\" } }",
            "DIR/a.hcl:1: key \"connect.ca_config.leaf_cert_ttl\": must be from 1h0m0s to 8760h0m0s",
        ),
        (
            "connect { ca_config { root_cert_ttl = \"24h\" } }",
            "DIR/a.hcl:1: key \"connect.ca_config.root_cert_ttl\": must be from 8760h0m0s to 876000h0m0s",
        ),
    ]);
}

#[test]
fn a_wrong_definition_is_told_with_its_line() {
    told(&[
        (
            "service {\n  name = \"a\"\n  port = \"x\"\n}",
            "DIR/a.hcl:3: key \"service[0].Port\": expected a whole number, got the text \"x\"",
        ),
        (
            "service { name = \"a\" }\nservice {\n  prot = 1\n}",
            "DIR/a.hcl:3: key \"service[1].prot\": unknown field \"prot\" in a service; did you mean \"Port\"?",
        ),
        (
            "checks = [{\n name = \"a\" }]",
            "DIR/a.hcl:1: key \"checks[0]\": a check needs one of TTL, HTTP, TCP, UDP, GRPC, H2PING, Args, AliasNode or AliasService",
        ),
        (
            "config_entries {\n  bootstrap {\n    kind = \"ingress-gateway\"\n  }\n}",
            "DIR/a.hcl:2: key \"config_entries.bootstrap[0]\": config entry kind ingress-gateway NOT_YET",
        ),
        (
            "config_entries { bootstap = [] }",
            "DIR/a.hcl:1: key \"config_entries.bootstap\": unknown field \"bootstap\" in config_entries; did you mean \
             \"bootstrap\"?",
        ),
    ]);
}

#[test]
fn a_wrong_key_of_a_json_file_is_told_with_its_line() {
    let json = Folder::of(&[("a.json", "{\n  \"data_dri\": \"/x\"\n}")]);
    let expected =
        "DIR/a.json:2: key \"data_dri\": unknown field \"data_dri\" in the configuration; did you mean \"data_dir\"?";
    assert_eq!(json.load("-dev -config-file DIR/a.json").unwrap_err(), expected);
}

#[test]
fn all_problems_are_told_together() {
    let error = refused("nope_a = 1\nlog_level = \"x\"\nservice {}\n");
    assert_eq!(error.lines().count(), 3, "{error}");
    let error = AgentConfig::load(&flags("-dev -bind x -http-port=70000 -node-meta a -log-level y")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "flag -bind: expected an IP address, got \"x\"\n\
         flag -http-port: expected a port from 1 to 65535, or -1, got 70000\n\
         flag -log-level: expected trace, debug, info, warn or error, got \"y\"\n\
         flag -node-meta: expected KEY:VALUE, got \"a\""
    );
}

#[test]
fn a_wrong_flag_is_refused_with_its_neighbour() {
    let error = parsed("-data-dri=/x").unwrap_err().to_string();
    assert!(error.contains("--data-dri") && error.contains("--data-dir"), "{error}");
}

#[test]
fn a_command_line_of_consul_starts_an_agent() {
    let line =
        "-dev -ui -dns-port=-1 -enable-script-checks=false -retry-join a -retry-join=b -encrypt x -serf-lan-port -1";
    let config = AgentConfig::load(&flags(line)).unwrap();
    assert_eq!(
        config.warnings,
        [
            "flag -encrypt has no effect: there is no gossip between agents",
            "flag -retry-join has no effect: an agent is a cluster of its own: there are no others to join, follow or \
             replicate",
            "flag -ui has no effect: the live page is always at /admin/",
        ]
    );
}

#[test]
fn a_piece_on_the_command_line_wins_over_files() {
    let folder = Folder::of(&[("a.conf", "{ \"node_name\": \"a\", \"datacenter\": \"x\" }")]);
    let config = folder.load("-dev -config-dir DIR -config-format json -hcl node_name=\"b\"").unwrap();
    assert_eq!((config.node_name.as_str(), config.datacenter.as_str()), ("b", "x"));
    assert_eq!(folder.load("-dev -config-dir DIR").unwrap().datacenter, "dc1", "a name says nothing without a format");
    let error = folder.load("-dev -hcl node_nam=1").unwrap_err();
    assert!(error.starts_with("flag -hcl:1: key \"node_nam\": unknown field"), "{error}");
}

#[test]
fn every_key_without_effect_says_why_in_one_line() {
    let lists = [
        keys::TOP,
        keys::PORTS,
        keys::ADDRESSES,
        keys::XDS,
        keys::ACL,
        keys::CONNECT,
        keys::CA_CONFIG,
        keys::HTTP_CONFIG,
        keys::LIMITS,
        keys::TLS,
        keys::TLS_OF_A_DOOR,
    ];
    for list in lists {
        assert!(list.is_sorted_by_key(|(key, _)| *key), "sorted, so that a key is found");
        for (key, why) in list {
            assert!(!why.is_empty() && !why.ends_with('.') && !why.contains('\n'), "{key}");
        }
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let text = refused("ports { sidecar_min_port = 22000 }");
    assert_eq!(
        text,
        "ports.sidecar_min_port is 22000 and ports.sidecar_max_port is 21255: there is no port between them"
    );
    let text = refused("primary_datacenter = \"east\"");
    assert!(text.starts_with("primary_datacenter is \"east\" and datacenter is \"dc1\": other datacenters"), "{text}");
}

#[test]
fn the_older_word_for_the_default_of_intentions_is_understood() {
    assert_eq!(loaded("acl_default_policy = \"deny\"").default_intention, Action::Deny);
}

#[test]
fn access_control_that_cannot_be_enforced_is_not_switched_on() {
    let text = refused("acl { enabled = true }");
    assert!(text.contains("access control is not supported"), "{text}");
}

/// Of an agent with this file.
fn with_file(text: &str) -> AgentConfig {
    Folder::of(&[("a.hcl", text)]).load("-dev -config-dir DIR").unwrap()
}

#[test]
fn programs_are_run_for_checks_as_far_as_the_configuration_lets_them_in() {
    let script = "check { name = \"disk\" args = [\"df\", \"/\"] interval = \"10s\" }";
    told(&[(
        script,
        "check \"disk\" is a program: set enable_local_script_checks = true to have the programs in these files run",
    )]);
    let scripts = |text: &str| with_file(&format!("{script}\n{text}")).checks_run.scripts;
    let args = vec!["df".to_owned(), "/".to_owned()];
    assert_eq!(scripts("enable_local_script_checks = true"), Scripts::OfFiles([args].into()));
    assert_eq!(scripts("enable_script_checks = true"), Scripts::All);
}

#[test]
fn how_checks_are_kept_is_configured() {
    let checks =
        with_file("discard_check_output = true check_update_interval = \"0s\" check_output_max_size = 100").checks_run;
    assert_eq!((checks.discard_output, checks.output_every, checks.output_max_bytes), (true, Duration::ZERO, 100));
    assert_eq!(with_file("").checks_run, CheckSettings::default());
}

#[test]
fn without_the_mesh_nothing_is_served_over_grpc() {
    let config = loaded("connect { enabled = false }");
    assert_eq!((config.mesh, config.grpc, config.warnings), (false, vec![], vec![]));
    assert!(loaded("connect { enabled = true }").mesh && loaded("").mesh);
}

#[test]
fn the_page_for_who_comes_from_consul_has_every_key_without_effect_and_why() {
    let page = include_str!("../../docs/consul-compatibility.md");
    let part = page.split("\n## ").find(|part| part.starts_with("Configuration files\n")).unwrap();
    let mut found = BTreeMap::new();
    for row in part.lines().filter(|line| line.starts_with("| `")) {
        let (names, why) = row.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        found.extend(names.split_whitespace().map(|name| (name.trim_matches('`').to_owned(), why.to_owned())));
    }
    let tables = [
        ("", keys::TOP),
        ("ports.", keys::PORTS),
        ("addresses.", keys::ADDRESSES),
        ("http_config.", keys::HTTP_CONFIG),
        ("limits.", keys::LIMITS),
        ("tls.", keys::TLS),
        ("tls.*.", keys::TLS_OF_A_DOOR),
        ("xds.", keys::XDS),
        ("acl.", keys::ACL),
        ("connect.", keys::CONNECT),
        ("connect.ca_config.", keys::CA_CONFIG),
    ];
    let expected: BTreeMap<String, String> = tables
        .iter()
        .flat_map(|(around, keys)| keys.iter().map(move |(key, why)| (format!("{around}{key}"), (*why).to_owned())))
        .collect();
    assert_eq!(found, expected, "docs/consul-compatibility.md");
}
