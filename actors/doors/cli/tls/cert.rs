//! `chancery tls cert create`.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use clap::Args;
use rcgen::{ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType};
use x509_parser::pem::parse_x509_pem;

use super::{ca, parameters, save, unmakeable};
use crate::doors::cli::error::CliError;

#[derive(Args)]
pub(in crate::doors::cli) struct Create {
    /// For an agent
    #[arg(long)]
    server: bool,
    /// For a program that asks an agent
    #[arg(long)]
    client: bool,
    /// For a person at a command line
    #[arg(long)]
    cli: bool,
    /// How long it is valid
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// The datacenter, which is a part of the name
    #[arg(long, value_name = "NAME", default_value = "dc1")]
    dc: String,
    /// The domain, which is a part of the name
    #[arg(long, default_value = "consul")]
    domain: String,
    /// The node of an agent, for a name of its own
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// The authority's certificate [default: DOMAIN-agent-ca.pem]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The authority's key [default: DOMAIN-agent-ca-key.pem]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// One more name; may be repeated
    #[arg(long, value_name = "NAME")]
    additional_dnsname: Vec<String>,
    /// One more address; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    additional_ipaddress: Vec<IpAddr>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    Server,
    Client,
    Cli,
}

impl Create {
    pub(super) fn run(&self, folder: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let holder = match (self.server, self.client, self.cli) {
            (true, false, false) => Holder::Server,
            (false, true, false) => Holder::Client,
            (false, false, true) => Holder::Cli,
            _ => return Err(CliError::usage("say for whom: one of -server, -client and -cli")),
        };
        if self.node.is_some() && holder != Holder::Server {
            return Err(CliError::usage("-node is a name of an agent: it goes with -server"));
        }
        let issuer = self.issuer(folder)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| unmakeable(&error))?;
        let names = self.names(holder);
        let first = names.first().cloned().unwrap_or_default();
        let mut parameters = parameters(&first, self.days)?;
        for name in names {
            parameters.subject_alt_names.push(SanType::DnsName(name.try_into().map_err(|error| unmakeable(&error))?));
        }
        parameters.subject_alt_names.extend(self.addresses(holder).into_iter().map(SanType::IpAddress));
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        parameters.extended_key_usages = match holder {
            Holder::Server | Holder::Client => {
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
            }
            Holder::Cli => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        let certificate = parameters.signed_by(&key, &issuer).map_err(|error| unmakeable(&error))?;
        let [certificate_file, key_file] = self.files(folder, holder);
        save(folder, &certificate_file, &certificate.pem(), 0o644, out)?;
        save(folder, &key_file, &key.serialize_pem(), 0o600, out)
    }

    /// The first that its bearer is called by.
    fn names(&self, holder: Holder) -> Vec<String> {
        let own = format!("{}.{}.{}", holder.word(), self.dc, self.domain);
        let node = self.node.as_ref().map(|node| format!("{node}.{own}"));
        let names = std::iter::once(own).chain(node).chain(["localhost".to_owned()]);
        names.chain(self.additional_dnsname.iter().cloned()).collect()
    }

    fn addresses(&self, holder: Holder) -> Vec<IpAddr> {
        let own = (holder != Holder::Cli).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        own.into_iter().chain(self.additional_ipaddress.iter().copied()).collect()
    }

    /// Numbered from 0: the first pair that is not there.
    fn files(&self, folder: &Path, holder: Holder) -> [String; 2] {
        let stem = format!("{}-{}-{}", self.dc, holder.word(), self.domain);
        let pair = |number: usize| [format!("{stem}-{number}.pem"), format!("{stem}-{number}-key.pem")];
        let free = |pair: &[String; 2]| pair.iter().all(|name| !folder.join(name).exists());
        (0..).map(pair).find(free).unwrap_or_else(|| pair(usize::MAX))
    }

    /// The authority, once its key is known to be its key.
    fn issuer(&self, folder: &Path) -> Result<Issuer<'static, KeyPair>, CliError> {
        let [certificate, key] = ca::files(&self.domain);
        let certificate = self.ca.clone().unwrap_or_else(|| folder.join(certificate));
        let key = self.key.clone().unwrap_or_else(|| folder.join(key));
        let read = |file: &Path| {
            std::fs::read_to_string(file).map_err(|error| {
                let hint = "make an authority with `tls ca create`, or name one with -ca and -key";
                CliError::file(&file.display().to_string(), &format!("{error}: {hint}"))
            })
        };
        let wrong = |file: &Path, reason: &dyn std::fmt::Display| CliError::file(&file.display().to_string(), reason);
        let pem = read(&certificate)?;
        let pair = KeyPair::from_pem(&read(&key)?).map_err(|error| wrong(&key, &error))?;
        let (_, block) = parse_x509_pem(pem.as_bytes()).map_err(|error| wrong(&certificate, &error))?;
        let parsed = block.parse_x509().map_err(|error| wrong(&certificate, &error))?;
        if !parsed.is_ca() {
            return Err(wrong(&certificate, &"is not the certificate of an authority"));
        }
        if parsed.public_key().raw != rcgen::PublicKeyData::subject_public_key_info(&pair) {
            return Err(wrong(&key, &format!("is not the key of {}", certificate.display())));
        }
        Issuer::from_ca_cert_pem(&pem, pair).map_err(|error| wrong(&certificate, &error))
    }
}

impl Holder {
    const fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Cli => "cli",
        }
    }
}
