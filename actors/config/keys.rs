//! What Consul's agent knows and this one has no use for: each key and flag is accepted with one warning, which says why.

/// A key, and why it has no effect.
pub(super) type Idle = (&'static str, &'static str);

pub(super) const ALONE: &str = "an agent is a cluster of its own: there are no others to join, follow or replicate";
const AUDIT: &str = "who asked for what is not written down: put a proxy with an access log in front";
pub(super) const DNS: &str = "there is no DNS server: mesh clients find services through Envoy, others over HTTP";
const ENDING: &str = "SIGTERM sends clients away before the agent ends, SIGINT ends it at once";
pub(super) const GOSSIP: &str = "there is no gossip between agents";
pub(super) const LOGS: &str = "the log goes to standard error: the service manager keeps and rotates it";
const LOOKED_AT: &str = "a root that is given is always looked at before it is taken";
const METRICS: &str = "metrics for Prometheus are always at /metrics";
const NOT_SERVED: &str = "there is one way to be served, and it is always on";
const NO_INTERMEDIATE: &str = "the root signs leaves itself";
const NO_OTHERS: &str = "there are no other agents whose connections would be secured";
const NO_SESSIONS: &str = "there are no sessions";
const OLD_DEFAULTS: &str = "it was replaced by the config entry proxy-defaults";
pub(super) const ONE_AGENT: &str =
    "a service is registered with the agent that serves it, so nothing is synchronised, cached or forwarded";
const ONE_ADDRESS: &str = "a node has one address here, advertise_addr";
const ONE_PARTITION: &str = "there is one partition, the default one";
const OWN: &str = "it belongs to a program that chancery is not";
const OWN_ORDER: &str = "the server's order of cipher suites is always preferred";
const PACE: &str = "changes are sent as fast as each client answers: there is no pace to limit";
pub(super) const PAGE: &str = "the live page is always at /admin/";
const PEERS: &str = "there are no peers";
pub(super) const RAFT: &str = "state is kept by an embedded store, without Raft";
pub(super) const RELOAD: &str = "send SIGHUP, or run `chancery reload`";
const SIGNING: &str = "a signature costs less than the limit would";
const STAMP: &str = "it is a stamp of Consul's own build";
const TOKENS: &str = "there are no tokens: keep the ports to yourself with client_addr";
const WATCH: &str = "run `chancery watch` beside the agent";
const WITH_THE_CHANGE: &str =
    "it is said with the change itself: `chancery connect ca set-config -force-without-cross-signing`";

/// At the top.
pub(super) const TOP: &[Idle] = &[
    ("acl_agent_master_token", TOKENS),
    ("acl_agent_token", TOKENS),
    ("acl_datacenter", TOKENS),
    ("acl_down_policy", TOKENS),
    ("acl_enable_key_list_policy", TOKENS),
    ("acl_enforce_version_8", TOKENS),
    ("acl_master_token", TOKENS),
    ("acl_replication_token", TOKENS),
    ("acl_token", TOKENS),
    ("acl_ttl", TOKENS),
    ("advertise_addr_ipv4", ONE_ADDRESS),
    ("advertise_addr_ipv6", ONE_ADDRESS),
    ("advertise_addr_wan", ALONE),
    ("advertise_addr_wan_ipv4", ALONE),
    ("advertise_addr_wan_ipv6", ALONE),
    ("advertise_reconnect_timeout", GOSSIP),
    ("alt_domain", DNS),
    ("audit", AUDIT),
    ("auto_config", ALONE),
    ("auto_encrypt", ALONE),
    ("auto_reload_config", RELOAD),
    ("autopilot", ALONE),
    ("build_date", STAMP),
    ("cache", ONE_AGENT),
    ("cloud", OWN),
    ("disable_anonymous_signature", OWN),
    ("disable_coordinates", GOSSIP),
    ("disable_host_node_id", ONE_AGENT),
    ("disable_http_unprintable_char_filter", NOT_SERVED),
    ("disable_keyring_file", GOSSIP),
    ("disable_remote_exec", OWN),
    ("disable_update_check", OWN),
    ("discovery_max_stale", ONE_AGENT),
    ("dns_config", DNS),
    ("domain", DNS),
    ("enable_acl_replication", TOKENS),
    ("enable_central_service_config", NOT_SERVED),
    ("enable_debug", OWN),
    ("enable_syslog", LOGS),
    ("encrypt", GOSSIP),
    ("encrypt_verify_incoming", GOSSIP),
    ("encrypt_verify_outgoing", GOSSIP),
    ("experiments", OWN),
    ("gossip_lan", GOSSIP),
    ("gossip_wan", GOSSIP),
    ("leave_on_terminate", ENDING),
    ("license_path", OWN),
    ("log_file", LOGS),
    ("log_rotate_bytes", LOGS),
    ("log_rotate_duration", LOGS),
    ("log_rotate_max_files", LOGS),
    ("non_voting_server", RAFT),
    ("partition", ONE_PARTITION),
    ("peering", PEERS),
    ("performance", RAFT),
    ("primary_gateways", ALONE),
    ("primary_gateways_interval", ALONE),
    ("protocol", GOSSIP),
    ("raft_boltdb", RAFT),
    ("raft_logstore", RAFT),
    ("raft_protocol", RAFT),
    ("raft_snapshot_interval", RAFT),
    ("raft_snapshot_threshold", RAFT),
    ("raft_trailing_logs", RAFT),
    ("read_replica", RAFT),
    ("reconnect_timeout", GOSSIP),
    ("reconnect_timeout_wan", GOSSIP),
    ("recursors", DNS),
    ("rejoin_after_leave", ALONE),
    ("reporting", OWN),
    ("retry_interval", ALONE),
    ("retry_interval_wan", ALONE),
    ("retry_join", ALONE),
    ("retry_join_wan", ALONE),
    ("retry_max", ALONE),
    ("retry_max_wan", ALONE),
    ("revision", STAMP),
    ("rpc", ALONE),
    ("segment", GOSSIP),
    ("segments", GOSSIP),
    ("serf_allowed_cidrs_lan", GOSSIP),
    ("serf_allowed_cidrs_wan", GOSSIP),
    ("serf_lan", GOSSIP),
    ("serf_wan", GOSSIP),
    ("server_name", NO_OTHERS),
    ("server_rejoin_age_max", ALONE),
    ("session_ttl_min", NO_SESSIONS),
    ("skip_leave_on_interrupt", ENDING),
    ("start_join", ALONE),
    ("start_join_wan", ALONE),
    ("syslog_facility", LOGS),
    ("telemetry", METRICS),
    ("tls_prefer_server_cipher_suites", OWN_ORDER),
    ("translate_wan_addrs", ALONE),
    ("ui", PAGE),
    ("ui_config", PAGE),
    ("ui_content_path", PAGE),
    ("ui_dir", PAGE),
    ("use_streaming_backend", NOT_SERVED),
    ("verify_incoming_rpc", NO_OTHERS),
    ("verify_outgoing", NO_OTHERS),
    ("verify_server_hostname", NO_OTHERS),
    ("version", STAMP),
    ("version_metadata", STAMP),
    ("version_prerelease", STAMP),
    ("watches", WATCH),
];

/// In `ports`.
pub(super) const PORTS: &[Idle] = &[
    ("dns", DNS),
    ("proxy_max_port", OWN),
    ("proxy_min_port", OWN),
    ("serf_lan", GOSSIP),
    ("serf_wan", GOSSIP),
    ("server", RAFT),
];

/// In `addresses`.
pub(super) const ADDRESSES: &[Idle] = &[("dns", DNS)];

/// In `http_config`.
pub(super) const HTTP_CONFIG: &[Idle] =
    &[("max_header_bytes", "what stands before the body of a request may have 400 kB"), ("use_cache", ONE_AGENT)];

/// In `limits`.
pub(super) const LIMITS: &[Idle] = &[
    ("rpc_client_timeout", NO_OTHERS),
    ("rpc_handshake_timeout", NO_OTHERS),
    ("rpc_max_burst", NO_OTHERS),
    ("rpc_max_conns_per_client", NO_OTHERS),
    ("rpc_rate", NO_OTHERS),
];

/// In `tls`.
pub(super) const TLS: &[Idle] = &[("internal_rpc", NO_OTHERS)];

/// In `tls.defaults`, `tls.https` and `tls.grpc`.
pub(super) const TLS_OF_A_DOOR: &[Idle] = &[
    ("use_auto_cert", "agents make no certificates for each other: give cert_file and key_file"),
    ("verify_outgoing", NO_OTHERS),
    ("verify_server_hostname", NO_OTHERS),
];

/// In `xds`.
pub(super) const XDS: &[Idle] = &[("update_max_per_second", PACE)];

/// In `acl`.
pub(super) const ACL: &[Idle] = &[
    ("down_policy", TOKENS),
    ("enable_key_list_policy", TOKENS),
    ("enable_token_persistence", TOKENS),
    ("enable_token_replication", TOKENS),
    ("msp_disable_bootstrap", TOKENS),
    ("policy_ttl", TOKENS),
    ("role_ttl", TOKENS),
    ("token_ttl", TOKENS),
    ("tokens", TOKENS),
];

/// In `connect`.
pub(super) const CONNECT: &[Idle] = &[
    ("enable_mesh_gateway_wan_federation", ALONE),
    ("enable_serverless_plugin", OWN),
    ("proxy", OWN),
    ("proxy_defaults", OLD_DEFAULTS),
    ("test_ca_leaf_root_change_spread", OWN),
];

/// In `connect.ca_config`.
pub(super) const CA_CONFIG: &[Idle] = &[
    ("csr_max_concurrent", SIGNING),
    ("csr_max_per_second", SIGNING),
    ("force_without_cross_signing", WITH_THE_CHANGE),
    ("intermediate_cert_ttl", NO_INTERMEDIATE),
    ("skip_validate", LOOKED_AT),
];
