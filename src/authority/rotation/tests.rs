use std::collections::BTreeSet;

use x509_parser::pem::Pem;

use super::*;
use crate::authority::{is_signed_by_active_root, issue_leaf};
use crate::model::{Leaf, SpiffeId, TrustDomain};

const NOW: UnixTime = UnixTime(1_800_000_000);
const DOMAIN: &str = "11111111-2222-3333-4444-555555555555.consul";
const EC: KeyKind = KeyKind::Ec(256);

fn root(at: i64) -> AuthorityState {
    new_root(&TrustDomain::from(DOMAIN), EC, Lifetimes::DEFAULT.root, UnixTime(NOW.0 + at)).unwrap()
}

fn leaf(state: &AuthorityState) -> Leaf {
    let identity = SpiffeId { trust_domain: DOMAIN.into(), datacenter: "dc1".into(), service: "web".into() };
    issue_leaf(state, &identity, NOW, Lifetimes::DEFAULT.leaf, [7; 16]).unwrap()
}

fn take_over(old: &AuthorityState, new: &AuthorityState) -> AuthorityState {
    rotate(old, new, Lifetimes::DEFAULT.leaf, true, NOW, [9; 16]).unwrap()
}

/// Whether somebody who trusts these roots can check the chain.
fn verifies(chain: &str, trusted: &[&str]) -> bool {
    let chain: Vec<Vec<u8>> =
        Pem::iter_from_buffer(chain.as_bytes()).map(|pem| pem.expect("a certificate").contents).collect();
    let certificates: Vec<X509Certificate<'_>> =
        chain.iter().map(|der| x509_parser::parse_x509_certificate(der).expect("a certificate").1).collect();
    let signed_by = |certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>| {
        certificate.issuer() == issuer.subject() && certificate.verify_signature(Some(issuer.public_key())).is_ok()
    };
    for (position, certificate) in certificates.iter().enumerate() {
        for pem in trusted {
            let (_, pem) = parse_x509_pem(pem.as_bytes()).expect("a root");
            if signed_by(certificate, &pem.parse_x509().expect("a root")) {
                return true;
            }
        }
        if !certificates.get(position + 1).is_some_and(|next| next.is_ca() && signed_by(certificate, next)) {
            return false;
        }
    }
    false
}

#[test]
fn who_knows_one_root_only_can_check_the_leaves_of_both() {
    let first = root(0);
    let (second_root, third_root) = (root(1), root(2));
    let [one, two, three] =
        [&first, &second_root, &third_root].map(|state| state.roots.active().expect("a root").pem.clone());
    let second = take_over(&first, &second_root);
    assert!(is_signed_by_active_root(&second, &leaf(&second)));
    assert!(!is_signed_by_active_root(&second, &leaf(&first)));
    for trusted in [&one, &two] {
        assert!(verifies(&leaf(&second).cert_pem, &[trusted]));
    }
    assert!(verifies(&leaf(&first).cert_pem, &[&one]) && !verifies(&leaf(&first).cert_pem, &[&two]));
    // and again, before the first is gone
    let third = take_over(&second, &third_root);
    for trusted in [&one, &two, &three] {
        assert!(verifies(&leaf(&third).cert_pem, &[trusted]));
    }
    let trusted: BTreeSet<&str> = third.roots.roots.iter().map(|root| root.pem.as_str()).collect();
    assert_eq!(trusted, BTreeSet::from([one.as_str(), two.as_str(), three.as_str()]));
    assert_eq!(third.roots.active().expect("a root").pem, three);
}

#[test]
fn without_a_bridge_only_those_who_know_the_new_root_can_check_its_leaves() {
    let (first, second_root) = (root(0), root(1));
    let second = rotate(&first, &second_root, Lifetimes::DEFAULT.leaf, false, NOW, [9; 16]).unwrap();
    assert!(!verifies(&leaf(&second).cert_pem, &[&first.roots.active().expect("a root").pem]));
    assert!(verifies(&leaf(&second).cert_pem, &[&second.roots.active().expect("a root").pem]));
}

#[test]
fn a_root_is_trusted_until_its_last_leaf_is_over() {
    let first = root(0);
    let second = take_over(&first, &root(1));
    let last = NOW.plus(Lifetimes::DEFAULT.leaf);
    assert_eq!(retire(&first, UnixTime(i64::MAX)), None);
    assert_eq!(retire(&second, last), None);
    let left = retire(&second, UnixTime(last.0 + 1)).expect("the first is over");
    assert_eq!(left.roots.roots.len(), 1);
    assert!(left.roots.active().is_some() && left.trusted_until.is_empty() && left.bridges.is_empty());
    // leaves of an earlier, longer setting count
    let longer = AuthorityState { leaves_until: NOW.plus(Lifetimes::DEFAULT.leaf * 2), ..first };
    assert_eq!(retire(&take_over(&longer, &root(1)), UnixTime(last.0 + 1)), None);
}

#[test]
fn a_root_may_come_back() {
    let (first, second_root) = (root(0), root(1));
    let second = take_over(&first, &second_root);
    let back = take_over(&second, &first);
    assert_eq!(back.roots.active(), first.roots.active());
    assert_eq!(back.roots.roots.len(), 2);
    assert_eq!(back.trusted_until.len(), 1);
    assert_eq!(take_over(&back, &first), back);
}

#[test]
fn a_root_that_somebody_brings_signs_under_its_own_name() {
    let brought = root(5);
    let (pem, key) = (brought.roots.active().expect("a root").pem.clone(), brought.key.reveal().to_owned());
    let given = given_root(&DOMAIN.into(), &pem, &key, NOW).unwrap();
    assert_eq!(given.roots, brought.roots);
    let stranger = root(6);
    let message = |pem: &str, key: &str, at| given_root(&DOMAIN.into(), pem, key, at).unwrap_err().to_string();
    assert!(message(&pem, stranger.key.reveal(), NOW).contains("not the key of this certificate"));
    assert!(message(&pem, &key, UnixTime(0)).contains("not valid now"));
    assert!(message("x", &key, NOW).contains("is not a certificate in PEM"));
    assert!(message(&pem, "x", NOW).contains("is not a private key in PEM"));
    assert!(message(&format!("{pem}{pem}"), &key, NOW).contains("more than one certificate"));
    assert!(message(&leaf(&brought).cert_pem, leaf(&brought).key_pem.reveal(), NOW).contains("key"));
    let other = given_root(&"other.consul".into(), &pem, &key, NOW).unwrap_err().to_string();
    assert!(other.contains("another trust domain"), "{other}");
}

#[test]
fn a_root_that_is_made_lives_as_long_as_was_said_last() {
    let first = root(0);
    let said = Lifetimes { root: Duration::from_secs(20_000 * 3600), ..Lifetimes::DEFAULT };
    let next = |state: &AuthorityState, wanted, lifetimes, at: i64| {
        let (until_now, now) = (state.lifetimes(Lifetimes::DEFAULT), UnixTime(NOW.0 + at));
        configure(state, &wanted, lifetimes, until_now, true, now, [1; 16]).expect("it is configured")
    };
    let later = next(&first, Wanted::Same, said, 10);
    assert_eq!(later.roots, first.roots, "the one there is stays as it is");
    assert_eq!(later.lifetimes(Lifetimes::DEFAULT), said);
    let rotated = next(&later, Wanted::Fresh(EC), said, 20);
    let active = rotated.roots.active().expect("a root");
    assert_eq!(active.not_after, UnixTime(NOW.0 + 20).plus(said.root));
    assert_eq!(rotated.lifetimes(Lifetimes::DEFAULT), said, "and it is remembered");
}
