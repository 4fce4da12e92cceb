//! Where the xDS server is, and how it is spoken to.

use std::path::PathBuf;

use chancery::bootstrap::{XdsAddress, XdsTls};
use clap::Args;

use super::envoy::resolve;
use super::proxy::Agent;
use crate::doors::cli::api::{HttpAddress, TlsFiles};
use crate::doors::cli::error::CliError;
use crate::doors::cli::flags::{HttpFlags, env, prefixed, switch};

const DEFAULT_PORT: u16 = 8502;

#[derive(Args)]
pub(super) struct XdsFlags {
    /// The xDS server: host:port, with http:// or https:// before it, or unix:///path [env: CONSUL_GRPC_ADDR]
    /// [default: where the agent says it is, with TLS if it can]
    #[arg(long, value_name = "ADDRESS")]
    grpc_addr: Option<String>,
    /// The authorities to trust for xDS with TLS; those of -ca-file and -ca-path if not given [env: CONSUL_GRPC_CACERT]
    #[arg(long, value_name = "FILE")]
    grpc_ca_file: Option<PathBuf>,
    /// A directory of such authorities [env: CONSUL_GRPC_CAPATH]
    #[arg(long, value_name = "DIR")]
    grpc_ca_path: Option<PathBuf>,
}

/// With TLS, or without.
#[derive(PartialEq, Eq, Debug)]
struct Place {
    address: XdsAddress,
    tls: bool,
}

impl XdsFlags {
    /// As told, else the port that the agent names on the host that answered.
    pub fn find(
        &self,
        http: &HttpFlags,
        answered: &HttpAddress,
        agent: &Agent,
    ) -> Result<(XdsAddress, Option<XdsTls>), CliError> {
        let given = self.grpc_addr.clone().or_else(|| prefixed(env, "GRPC_ADDR"));
        let place = match &given {
            Some(given) => place(given, switch(env, "HTTP_SSL")?.unwrap_or(false))?,
            None => {
                let port = agent.tls.or(agent.plaintext).unwrap_or(DEFAULT_PORT);
                let host = match answered.host() {
                    v6 if v6.contains(':') => format!("[{v6}]"),
                    host => host.to_owned(),
                };
                let address = resolve(&format!("{host}:{port}"), "the agent's xDS server")?;
                Place { address: XdsAddress::Tcp(address), tls: agent.tls.is_some() }
            }
        };
        let tls = if place.tls { Some(self.tls(http, agent)?) } else { None };
        Ok((place.address, tls))
    }

    /// A server whose certificate nobody has looked at could be anybody: somebody must say whom to trust.
    fn tls(&self, http: &HttpFlags, agent: &Agent) -> Result<XdsTls, CliError> {
        let of_http = http.tls(env)?;
        let file = |flag: &Option<PathBuf>, name| flag.clone().or_else(|| prefixed(env, name).map(PathBuf::from));
        let own = TlsFiles {
            ca_file: file(&self.grpc_ca_file, "GRPC_CACERT"),
            ca_path: file(&self.grpc_ca_path, "GRPC_CAPATH"),
            ..TlsFiles::default()
        };
        let authorities = match own.authorities()? {
            Some(own) => Some(own),
            None => of_http.authorities()?,
        };
        let authorities = authorities.ok_or_else(|| CliError::usage(untrusted(agent.plaintext)))?;
        Ok(XdsTls { authorities, client: of_http.client()?, server_name: of_http.server_name })
    }
}

fn untrusted(plaintext: Option<u16>) -> String {
    let plaintext = plaintext.map(|port| format!("; in plaintext it is at -grpc-addr http://HOST:{port}"));
    format!(
        "xDS is served with TLS there, and nobody says whose certificates to trust: give -grpc-ca-file or \
         -grpc-ca-path{}",
        plaintext.unwrap_or_default()
    )
}

/// `tls`: where no scheme says.
fn place(given: &str, tls: bool) -> Result<Place, CliError> {
    if let Some(path) = given.strip_prefix("unix://") {
        return Ok(Place { address: XdsAddress::Unix(path.to_owned()), tls: false });
    }
    let (tls, address) = match (given.strip_prefix("http://"), given.strip_prefix("https://")) {
        (Some(plain), _) => (false, plain),
        (None, Some(secure)) => (true, secure),
        (None, None) => (tls, given),
    };
    let address = resolve(address.trim_end_matches('/'), "-grpc-addr")?;
    Ok(Place { address: XdsAddress::Tcp(address), tls })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_says_whether_there_is_tls_and_the_environment_where_there_is_none() {
        let tcp = |tls| Place { address: XdsAddress::Tcp(([127, 0, 0, 1], 8502).into()), tls };
        let found = |given, switch| place(given, switch).expect("it is an address");
        for given in ["127.0.0.1:8502", "http://127.0.0.1:8502/", "localhost:8502"] {
            assert_eq!(found(given, false), tcp(false), "{given}");
        }
        assert_eq!(found("http://localhost:8502", true), tcp(false));
        assert_eq!(found("https://localhost:8502", false), tcp(true));
        assert_eq!(found("localhost:8502", true), tcp(true));
        let socket = Place { address: XdsAddress::Unix("/run/x".to_owned()), tls: false };
        assert_eq!(found("unix:///run/x", true), socket);
    }

    #[test]
    fn who_trusts_nobody_is_told_of_the_port_in_plaintext_where_there_is_one() {
        assert!(untrusted(Some(8502)).ends_with("-grpc-addr http://HOST:8502"), "{}", untrusted(Some(8502)));
        assert!(untrusted(None).ends_with("-grpc-ca-path"), "{}", untrusted(None));
    }
}
