use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clap::{Args as _, Command, FromArgMatches as _};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::X509Certificate;

use super::{ca, cert};

fn make_ca(folder: &Path, line: &str) -> Result<String, String> {
    let matches = ca::Create::augment_args(Command::new("x")).try_get_matches_from(line.split(' '));
    let create = ca::Create::from_arg_matches(&matches.expect("the flags exist")).expect("they are read");
    let mut out = Vec::new();
    create.run(folder, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).expect("it is text"))
}

fn make_cert(folder: &Path, line: &str) -> Result<String, String> {
    let matches = cert::Create::augment_args(Command::new("x")).try_get_matches_from(line.split(' '));
    let create = cert::Create::from_arg_matches(&matches.expect("the flags exist")).expect("they are read");
    let mut out = Vec::new();
    create.run(folder, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).expect("it is text"))
}

fn with_certificate<T>(folder: &Path, name: &str, look: impl Fn(&X509Certificate<'_>) -> T) -> T {
    let pem = std::fs::read(folder.join(name)).expect("it was made");
    let (_, block) = parse_x509_pem(&pem).expect("it is PEM");
    look(&block.parse_x509().expect("it is a certificate"))
}

#[test]
fn an_authority_signs_certificates_for_agents_programs_and_people() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let told = make_ca(folder, "x --days 10").expect("it can be made");
    assert_eq!(told, "==> Saved consul-agent-ca.pem\n==> Saved consul-agent-ca-key.pem\n");
    for (line, file) in [
        ("x --server --dc dc2 --node n1 --additional-ipaddress 10.0.0.1", "dc2-server-consul-0.pem"),
        ("x --client", "dc1-client-consul-0.pem"),
        ("x --client", "dc1-client-consul-1.pem"),
        ("x --cli", "dc1-cli-consul-0.pem"),
    ] {
        assert!(make_cert(folder, line).expect("it can be made").contains(&format!("Saved {file}\n")), "{line}");
        let authority = std::fs::read(folder.join("consul-agent-ca.pem")).expect("it was made");
        let (_, authority) = parse_x509_pem(&authority).expect("it is PEM");
        let authority = authority.parse_x509().expect("it is a certificate");
        with_certificate(folder, file, |certificate| {
            certificate.verify_signature(Some(authority.public_key())).expect("the authority signed it");
            assert!(certificate.validity().is_valid());
        });
    }
    with_certificate(folder, "dc2-server-consul-0.pem", |certificate| {
        let names = certificate.subject_alternative_name().expect("one extension").expect("it has names");
        let names = format!("{:?}", names.value.general_names);
        for name in ["\"server.dc2.consul\"", "\"n1.server.dc2.consul\"", "\"localhost\"", "7f 00 00 01", "0a 00 00 01"]
        {
            let spelt = name.replace("7f 00 00 01", "[127, 0, 0, 1]").replace("0a 00 00 01", "[10, 0, 0, 1]");
            assert!(names.contains(name) || names.contains(&spelt), "{name} is not in {names}");
        }
    });
    let mode = |name: &str| std::fs::metadata(folder.join(name)).expect("it was made").permissions().mode() & 0o777;
    assert_eq!(mode("consul-agent-ca-key.pem"), 0o600);
    assert_eq!(mode("dc1-cli-consul-0-key.pem"), 0o600);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    make_ca(folder.path(), "x").expect("it can be made");
    let told = make_ca(folder.path(), "x").expect_err("it is there");
    assert_eq!(told, "consul-agent-ca.pem: exists already, and is not overwritten");
    std::fs::remove_file(folder.path().join("consul-agent-ca.pem")).expect("it was there");
    assert!(make_ca(folder.path(), "x").is_err_and(|told| told.contains("ca-key.pem")));
    assert!(!folder.path().join("consul-agent-ca.pem").exists(), "nothing was written");
}

#[test]
fn an_authority_without_its_key_signs_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    assert!(make_cert(folder, "x --server").is_err_and(|told| told.contains("tls ca create")));
    make_ca(folder, "x").expect("it can be made");
    make_ca(folder, "x --domain other --name-constraint --cluster-id 6ba7b810-9dad-11d1-80b4-00c04fd430c8")
        .expect("so");
    let other = folder.join("other-agent-ca-key.pem");
    let told = make_cert(folder, &format!("x --server --key {}", other.display())).expect_err("it is another's");
    assert!(told.contains("is not the key of"), "{told}");
    make_cert(folder, "x --server").expect("it can be made");
    let [server, key] = ["dc1-server-consul-0.pem", "dc1-server-consul-0-key.pem"].map(|name| folder.join(name));
    let line = format!("x --client --ca {} --key {}", server.display(), key.display());
    assert!(make_cert(folder, &line).is_err_and(|told| told.contains("not the certificate of an authority")));
    assert!(make_cert(folder, "x").is_err_and(|told| told.contains("one of -server, -client and -cli")));
    assert!(make_cert(folder, "x --client --node n").is_err_and(|told| told.contains("goes with -server")));
    let far = make_ca(folder, "x --domain far --days 99999999").expect_err("it is too far");
    assert!(far.contains("past what a certificate can say"), "{far}");
}
