//! How HTTP and xDS are served.

use super::*;
use std::num::NonZeroU32;

use crate::doors::http::{LimitMode, RequestLimits};

#[test]
fn how_clients_are_served_can_be_set() {
    let config = loaded("xds { new_streams_per_second = 50\n max_stream_age = \"1h\"\n read_patience = \"5s\" }");
    let default = XdsSettings::default();
    let expected = XdsSettings {
        new_streams_per_second: 50,
        max_stream_age: Some(Duration::from_secs(3600)),
        read_patience: Duration::from_secs(5),
        ..default
    };
    assert_eq!(config.xds, expected);
    let text = refused("xds { read_patience = \"5ms\"\n new_streams_per_second = 0\n patience = \"5s\" }");
    for wrong in ["at least 1s", "new_streams_per_second", "\"xds.patience\""] {
        assert!(text.contains(wrong), "{wrong} is not in {text}");
    }
    assert!(loaded("xds { update_max_per_second = 100 }").warnings[0].contains("xds.update_max_per_second"));
}

#[test]
fn how_http_is_served_can_be_set() {
    let config = loaded(
        r#"
        addresses { http = "127.0.0.1 unix:///run/a.sock" }
        unix_sockets { user = "1000", group = "root", mode = "0770" }
        http_config {
          response_headers { Access-Control-Allow-Origin = "*" }
          block_endpoints = ["/v1/kv"]
          allow_write_http_from = ["127.0.0.0/8"]
          use_cache = true
        }
        limits { http_max_conns_per_client = 100, https_handshake_timeout = "3s", kv_max_value_size = 1048576 }
        default_query_time = "10s"
        max_query_time = "20s"
        "#,
    );
    assert_eq!(config.http, [port("127.0.0.1:8500"), ListenAddress::Socket("/run/a.sock".into())]);
    assert_eq!(config.socket_owner, SocketOwner { user: Some(1000), group: Some(0), mode: Some(0o770) });
    let settings = &config.http_settings;
    assert_eq!(settings.response_headers["access-control-allow-origin"], "*");
    assert_eq!(settings.blocked, ["/v1/kv"]);
    assert_eq!(settings.writers, [Network::parse("127.0.0.0/8").unwrap()]);
    assert_eq!((settings.default_wait, settings.max_wait), (Duration::from_secs(10), Duration::from_secs(20)));
    assert_eq!(settings.max_connections_per_client, 100);
    assert_eq!(settings.handshake_patience, Duration::from_secs(3));
    assert_eq!((settings.largest_value, settings.largest_transaction), (1 << 20, 1 << 20));
    let only_a_socket = loaded("addresses { http = \"unix:///s\" }\nports { http = -1 }");
    assert_eq!(only_a_socket.http, [ListenAddress::Socket("/s".into())], "a socket needs no port");
    let flags = AgentConfig::load(&flags("-dev -default-query-time 1m -max-query-time=2m -https-port -1")).unwrap();
    assert_eq!(flags.http_settings.default_wait, Duration::from_secs(60));
    assert_eq!(loaded("limits { http_max_conns_per_client = -1 }").http_settings.max_connections_per_client, 0);
}

#[test]
fn what_is_wrong_with_how_http_is_served_is_told() {
    told(&[
        (
            "http_config { allow_write_http_from = [\"localhost\"] }",
            "DIR/a.hcl:1: key \"http_config.allow_write_http_from\": expected a network such as 127.0.0.0/8, got \
             \"localhost\"",
        ),
        (
            "http_config { response_headers { \"a b\" = \"c\" } }",
            "DIR/a.hcl:1: key \"http_config.response_headers\": \"a b\": \"c\" is no header",
        ),
        (
            "unix_sockets { mode = \"rw\" }",
            "DIR/a.hcl:1: key \"unix_sockets.mode\": expected permission bits such as 0660, got \"rw\"",
        ),
        (
            "addresses { http = \"unix://s\" }",
            "DIR/a.hcl:1: key \"addresses.http\": expected a unix socket such as unix:///run/chancery.sock, got \
             \"unix://s\"",
        ),
        (
            "default_query_time = \"0s\"",
            "DIR/a.hcl:1: key \"default_query_time\": expected a duration such as 5m, got \"0s\"",
        ),
        (
            "default_query_time = \"20m\"",
            "default_query_time is 1200s and max_query_time is 600s: it must not be longer",
        ),
    ]);
}

#[test]
fn https_is_served_with_the_files_nearest_to_it() {
    let config = loaded(
        r#"
        ports { https = 8501 }
        tls {
          defaults { cert_file = "/a.pem", key_file = "/a-key.pem", ca_file = "/ca.pem", verify_incoming = true }
          https { cert_file = "/b.pem", key_file = "/b-key.pem", tls_min_version = "TLSv1_3", verify_incoming = false }
        }
        "#,
    );
    assert_eq!(config.https, ["127.0.0.1:8501".parse().unwrap()]);
    let files = config.certificate.unwrap();
    assert_eq!((files.cert, files.key, files.ca), ("/b.pem".into(), "/b-key.pem".into(), Some("/ca.pem".into())));
    assert_eq!((files.verify_incoming, files.oldest), (false, OldestTls::V13));
    let old = loaded(
        "ports { https = 8501 }\ncert_file = \"/a\"\nkey_file = \"/k\"\nca_path = \"/ca\"\nverify_incoming = true\n\
         verify_incoming_https = false",
    );
    let files = old.certificate.unwrap();
    assert!(files.verify_incoming, "the key of HTTPS takes nothing away from the one for all");
    assert_eq!((files.cert, files.ca_path), ("/a".into(), Some("/ca".into())));
    assert_eq!(old.warnings, Vec::<String>::new());
}

#[test]
fn grpc_is_served_with_tls_with_the_files_nearest_to_it() {
    let config = loaded(
        r#"
        ports { grpc_tls = 8503 }
        addresses { grpc_tls = "127.0.0.2" }
        tls {
          defaults { cert_file = "/a.pem", key_file = "/a-key.pem", ca_file = "/ca.pem" }
          grpc { verify_incoming = true, use_auto_cert = true }
        }
        "#,
    );
    assert_eq!((config.grpc_tls, config.https), (vec!["127.0.0.2:8503".parse().unwrap()], vec![]));
    let files = config.grpc_certificate.unwrap();
    assert_eq!((files.cert, files.verify_incoming), ("/a.pem".into(), true));
    assert!(config.warnings.iter().all(|warning| warning.contains("use_auto_cert")), "{:?}", config.warnings);
    let flag = AgentConfig::load(&flags("-dev -grpc-tls-port 8503")).unwrap();
    assert_eq!((flag.grpc_tls, flag.grpc_certificate), (vec![], None));
    assert!(flag.warnings[0].starts_with("ports.grpc_tls has no effect: gRPC with TLS needs"), "{:?}", flag.warnings);
    let off = loaded("tls { grpc { cert_file = \"/a\" key_file = \"/k\" } }").warnings.join("\n");
    assert!(off.contains("ports.grpc_tls gRPC with TLS"), "{off}");
    told(&[(
        "ports { grpc_tls = 1 }\ntls { grpc { cert_file = \"/a\", key_file = \"/k\", verify_incoming = true } }",
        "verify_incoming is on and nobody is trusted: give ca_file or ca_path, whose certificates clients have",
    )]);
}

#[test]
fn https_without_what_it_needs_is_told() {
    let bare = loaded("ports { https = 8501 }");
    assert_eq!((bare.https.len(), bare.certificate), (0, None));
    assert!(
        bare.warnings[0].starts_with("ports.https has no effect: HTTPS needs a certificate"),
        "{:?}",
        bare.warnings
    );
    let off = loaded("cert_file = \"/a\"\nkey_file = \"/k\"\nverify_incoming_rpc = true");
    let warnings = off.warnings.join("\n");
    assert!(warnings.contains("ports.https switches HTTPS on") && warnings.contains("no other agents"), "{warnings}");
    told(&[
        (
            "ports { https = 1 }\ntls { https { cert_file = \"/a\" } }",
            "cert_file and key_file belong together: give both",
        ),
        (
            "ports { https = 1 }\ntls { defaults { cert_file = \"/a\", key_file = \"/k\", verify_incoming = true } }",
            "verify_incoming is on and nobody is trusted: give ca_file or ca_path, whose certificates clients have",
        ),
        (
            "tls { https { tls_min_version = \"TLSv1_0\" } }",
            "DIR/a.hcl:1: key \"tls.https.tls_min_version\": expected TLSv1_2 or TLSv1_3, got \"TLSv1_0\"; there is \
             nothing older",
        ),
    ]);
}

#[test]
fn checks_show_the_certificate_of_all_doors_where_they_shall() {
    let tls = |text: &str| {
        let config = loaded(text);
        (config.check_tls, config.warnings)
    };
    let files = "cert_file = \"/a.pem\", key_file = \"/a-key.pem\", ca_file = \"/ca.pem\"";
    let shown = AgentTls {
        shown: Some(("/a.pem".into(), "/a-key.pem".into())),
        ca: Some("/ca.pem".into()),
        ..AgentTls::default()
    };
    let nested = format!("tls {{ enable_agent_tls_for_checks = true\n defaults {{ {files} }} }}");
    assert_eq!(tls(&nested), (Some(shown.clone()), vec![]));
    let old = format!("enable_agent_tls_for_checks = true\n{}", files.replace(", ", "\n"));
    assert_eq!(tls(&old), (Some(shown), vec![]));
    let bare = tls("tls { enable_agent_tls_for_checks = true }");
    assert!(bare.0.is_none() && bare.1[0].contains("give tls.defaults.cert_file and key_file, or ca_file"), "{bare:?}");
    assert_eq!(tls("tls { enable_agent_tls_for_checks = false }"), (None, vec![]));
}

#[test]
fn requests_may_have_rates() {
    let limits = |text: &str| loaded(&format!("limits {{ request_limits {{ {text} }} }}")).http_settings.request_limits;
    let rate = NonZeroU32::new;
    let expected = RequestLimits { mode: LimitMode::Enforcing, reads: rate(50_000), writes: rate(50) };
    assert_eq!(limits("mode = \"enforcing\"\n read_rate = 500.0\n write_rate = 0.5"), expected);
    let expected = RequestLimits { mode: LimitMode::Permissive, ..RequestLimits::default() };
    assert_eq!(limits("mode = \"permissive\"\n read_rate = -1"), expected);
    assert_eq!(loaded("").http_settings.request_limits, RequestLimits::default());
    for (text, said) in [
        ("mode = \"strict\"", "expected disabled, permissive or enforcing, got \"strict\""),
        ("read_rate = 0", "expected a number a second from 0.01 to 10000000, or -1 for no limit, got 0"),
        ("rate = 1", "rate"),
    ] {
        let problem = refused(&format!("limits {{ request_limits {{ {text} }} }}"));
        assert!(problem.contains(said), "{problem}");
    }
}
