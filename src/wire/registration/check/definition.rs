//! What a check asks, and how: one kind, and no field that this kind has no use for.

use std::net::Ipv6Addr;

use crate::model::check::{HttpProbe, SocketProbe, TlsProbe};
use crate::model::{CheckDefinition, NodeName, Probe, ServiceId, Target};
use crate::wire::fields::{DecodeError, Fields, Result};

const KINDS: [&str; 8] = ["TTL", "HTTP", "TCP", "UDP", "GRPC", "H2PING", "Args", "AliasNode or AliasService"];

/// Kinds that are not run here, and why.
const NOT_RUN: [(&str, &str); 4] =
    [("Script", WORDS), ("Shell", CONTAINERS), ("DockerContainerID", CONTAINERS), ("OSService", PLATFORMS)];
const WORDS: &str = "is gone from Consul too: give Args, the program and its arguments as a list";
const CONTAINERS: &str =
    "the agent enters no containers: check the service over its port, or report to a TTL check from inside";
const PLATFORMS: &str = "the agent asks no service manager: check the service over its port, or report to a TTL check";

const PERIODIC: &[&str] = &["http", "tcp", "udp", "grpc", "h2ping", "script"];
const WITH_TLS: &[&str] = &["http", "tcp", "grpc", "h2ping"];

/// Fields that only some kinds have a use for.
const ONLY_FOR: [(&str, &[&str]); 14] = [
    ("Method", &["http"]),
    ("Header", &["http"]),
    ("Body", &["http"]),
    ("DisableRedirects", &["http"]),
    ("TCPUseTLS", &["tcp"]),
    ("GRPCUseTLS", &["grpc"]),
    ("H2PingUseTLS", &["h2ping"]),
    ("TLSServerName", WITH_TLS),
    ("TLSSkipVerify", WITH_TLS),
    ("Interval", PERIODIC),
    ("Timeout", PERIODIC),
    ("SuccessBeforePassing", PERIODIC),
    ("FailuresBeforeWarning", PERIODIC),
    ("FailuresBeforeCritical", PERIODIC),
];

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<CheckDefinition> {
    for (field, why) in NOT_RUN {
        fields.empty(field, || why.to_owned())?;
    }
    let probe = probe(fields)?;
    let kind = probe.kind();
    for (field, kinds) in ONLY_FOR {
        if !kinds.contains(&kind) {
            fields.empty(field, || format!("is not for a check of type {kind}"))?;
        }
    }
    let definition = CheckDefinition {
        interval: fields.duration("Interval")?,
        timeout: fields.duration("Timeout")?,
        success_before_passing: fields.count("SuccessBeforePassing")?,
        failures_before_warning: fields.count("FailuresBeforeWarning")?,
        failures_before_critical: fields.count("FailuresBeforeCritical")?,
        deregister_critical_service_after: fields.duration("DeregisterCriticalServiceAfter")?,
        output_max_size: fields.count("OutputMaxSize")?,
        probe,
    };
    if matches!(definition.probe, Probe::Periodic(_)) && definition.interval.is_zero() {
        return Err(fields.error("Interval", format!("is required for a check of type {kind}")));
    }
    let (warning, critical) = (definition.failures_before_warning, definition.failures_before_critical);
    if warning > critical {
        return Err(fields.error("FailuresBeforeWarning", "must not be more than FailuresBeforeCritical"));
    }
    Ok(definition)
}

fn probe(fields: &mut Fields<'_>) -> Result<Probe> {
    let ttl = fields.duration("TTL")?;
    let [http, tcp, udp, grpc, h2ping] =
        [fields.text("HTTP")?, fields.text("TCP")?, fields.text("UDP")?, fields.text("GRPC")?, fields.text("H2PING")?];
    let args = args(fields)?;
    let (node, service) = (fields.text("AliasNode")?, fields.text("AliasService")?);
    let given = [
        !ttl.is_zero(),
        !http.is_empty(),
        !tcp.is_empty(),
        !udp.is_empty(),
        !grpc.is_empty(),
        !h2ping.is_empty(),
        !args.is_empty(),
        !node.is_empty() || !service.is_empty(),
    ];
    let named: Vec<&str> = KINDS.into_iter().zip(given).filter(|(_, given)| *given).map(|(kind, _)| kind).collect();
    match named.as_slice() {
        ["TTL"] => Ok(Probe::Ttl(ttl)),
        ["HTTP"] => Ok(Probe::Periodic(Target::Http(self::http(fields, http)?))),
        ["TCP"] => {
            is_address(&tcp).map_err(|expected| fields.error("TCP", expected))?;
            Ok(Probe::Periodic(Target::Tcp(socket(fields, tcp, "TCPUseTLS", false)?)))
        }
        ["UDP"] => {
            is_address(&udp).map_err(|expected| fields.error("UDP", expected))?;
            Ok(Probe::Periodic(Target::Udp(udp)))
        }
        ["GRPC"] => Ok(Probe::Periodic(self::grpc(fields, &grpc)?)),
        ["H2PING"] => {
            is_address(&h2ping).map_err(|expected| fields.error("H2PING", expected))?;
            Ok(Probe::Periodic(Target::H2Ping(socket(fields, h2ping, "H2PingUseTLS", true)?)))
        }
        ["Args"] => Ok(Probe::Periodic(Target::Script(args))),
        [_] => Ok(Probe::Alias { node: NodeName::from(node), service: ServiceId::from(service) }),
        [] => Err(DecodeError::new(fields.path(), format!("a check needs one of {}", KINDS.join(", ")))),
        several => {
            let message = format!("a check does one thing, this one asks for {}", several.join(" and "));
            Err(DecodeError::new(fields.path(), message))
        }
    }
}

/// Under its older name too.
fn args(fields: &mut Fields<'_>) -> Result<Vec<String>> {
    let (args, older) = (fields.texts("Args")?, fields.texts("ScriptArgs")?);
    let args = if args.is_empty() { older } else { args };
    match args.first() {
        Some(program) if program.is_empty() => Err(fields.error("Args[0]", "must not be empty: it is the program")),
        _ => Ok(args),
    }
}

fn http(fields: &mut Fields<'_>, url: String) -> Result<HttpProbe> {
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(fields.error("HTTP", format!("expected a URL with http:// or https://, got {url:?}")));
    }
    Ok(HttpProbe {
        url,
        method: fields.text("Method")?,
        header: fields.texts_map("Header")?,
        body: fields.text("Body")?,
        disable_redirects: fields.flag("DisableRedirects")?,
        tls: tls(fields)?,
    })
}

/// `host:port`, or `host:port/service`.
fn grpc(fields: &mut Fields<'_>, target: &str) -> Result<Target> {
    let (address, service) = target.split_once('/').unwrap_or((target, ""));
    let expected = || format!("expected host:port or host:port/service, got {target:?}");
    is_address(address).map_err(|_| fields.error("GRPC", expected()))?;
    let server = socket(fields, address.to_owned(), "GRPCUseTLS", false)?;
    Ok(Target::Grpc { server, service: service.to_owned() })
}

/// `use_tls` is the field that switches TLS on; without it TLS is as `by_default` says.
fn socket(fields: &mut Fields<'_>, address: String, use_tls: &'static str, by_default: bool) -> Result<SocketProbe> {
    if fields.optional_flag(use_tls)?.unwrap_or(by_default) {
        return Ok(SocketProbe { address, tls: Some(tls(fields)?) });
    }
    for option in ["TLSServerName", "TLSSkipVerify"] {
        fields.empty(option, || format!("needs {use_tls}"))?;
    }
    Ok(SocketProbe { address, tls: None })
}

fn tls(fields: &mut Fields<'_>) -> Result<TlsProbe> {
    Ok(TlsProbe { server_name: fields.text("TLSServerName")?, skip_verify: fields.flag("TLSSkipVerify")? })
}

/// `host:port`, with an IPv6 address in brackets; what is expected otherwise.
fn is_address(text: &str) -> std::result::Result<(), String> {
    let (host, port) = text.rsplit_once(':').unwrap_or_default();
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_good = match bracketed {
        Some(inner) => inner.split('%').next().is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()),
        None => !host.is_empty() && !host.contains(|letter: char| letter.is_whitespace() || "/:[]@".contains(letter)),
    };
    let good = host_is_good && port.parse::<u16>().is_ok_and(|port| port != 0);
    if good { Ok(()) } else { Err(format!("expected host:port, got {text:?}")) }
}
