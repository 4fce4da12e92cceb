//! Which version this is, in the two senses that matter.

/// The release of Consul whose interface is spoken. Every field named `Version` says this (`chancery version
/// -format=json`, `/v1/agent/self`): clients of Consul compare it to decide what they may ask for (from 1.14 on, for
/// example, that there is a `grpc_tls` port), and Chancery's own number would send them back to interfaces of 2014.
pub const CONSUL_INTERFACE_VERSION: &str = chancery::model::extension::CONSUL_VERSION;

/// What fields named `Version` say.
pub const VERSION: &str = CONSUL_INTERFACE_VERSION;

/// Chancery's own version.
pub const CHANCERY_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that this was built from, if whoever built it said so.
pub const REVISION: &str = match option_env!("CHANCERY_REVISION") {
    Some(revision) => revision,
    None => "",
};

/// When this was built (RFC 3339), if whoever built it said so: a build is reproducible, so it never asks the clock. Go
/// clients parse it, hence a date in any case.
pub const BUILD_DATE: &str = match option_env!("CHANCERY_BUILD_DATE") {
    Some(date) => date,
    None => "1970-01-01T00:00:01Z",
};
