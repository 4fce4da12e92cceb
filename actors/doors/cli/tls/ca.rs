//! `chancery tls ca create`.

use std::io::Write;
use std::path::Path;

use clap::Args;
use rcgen::{
    BasicConstraints, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SanType,
};

use super::{parameters, save, unmakeable};
use crate::doors::cli::error::CliError;

#[derive(Args)]
pub(in crate::doors::cli) struct Create {
    /// How long it is valid
    #[arg(long, default_value_t = 1825, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// The domain: it is in the names of the files, and in the names of what is signed
    #[arg(long, default_value = "consul")]
    domain: String,
    /// The name of the authority
    #[arg(long, value_name = "NAME")]
    common_name: Option<String>,
    /// The UUID of a mesh, which becomes a name of the authority
    #[arg(long, value_name = "UUID")]
    cluster_id: Option<String>,
    /// Sign only names of the domain, and localhost
    #[arg(long)]
    name_constraint: bool,
    /// Sign these names too; may be repeated
    #[arg(long, value_name = "NAME", requires = "name_constraint")]
    additional_name_constraint: Vec<String>,
}

impl Create {
    pub(super) fn run(&self, folder: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let [certificate_file, key_file] = files(&self.domain);
        // neither is written when one of them is there
        for name in [&certificate_file, &key_file] {
            if folder.join(name).exists() {
                return Err(CliError::file(name, &"exists already, and is not overwritten"));
            }
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| unmakeable(&error))?;
        let name = self.common_name.clone().unwrap_or_else(|| "Chancery Agent CA".to_owned());
        let mut parameters = parameters(&name, self.days)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        if let Some(id) = &self.cluster_id {
            let id = uuid::Uuid::try_parse(id)
                .map_err(|_| CliError::usage(format!("-cluster-id={id}: expected a UUID")))?
                .hyphenated();
            let uri = format!("spiffe://{id}.{}", self.domain);
            parameters.subject_alt_names = vec![SanType::URI(uri.try_into().map_err(|error| unmakeable(&error))?)];
        }
        if self.name_constraint {
            let names = [self.domain.as_str(), "localhost"].into_iter();
            let names = names.chain(self.additional_name_constraint.iter().map(String::as_str));
            parameters.name_constraints = Some(NameConstraints {
                permitted_subtrees: names.map(|name| GeneralSubtree::DnsName(name.to_owned())).collect(),
                excluded_subtrees: Vec::new(),
            });
        }
        let certificate = parameters.self_signed(&key).map_err(|error| unmakeable(&error))?;
        save(folder, &certificate_file, &certificate.pem(), 0o644, out)?;
        save(folder, &key_file, &key.serialize_pem(), 0o600, out)
    }
}

/// Certificate and key.
pub(super) fn files(domain: &str) -> [String; 2] {
    [format!("{domain}-agent-ca.pem"), format!("{domain}-agent-ca-key.pem")]
}
