//! An agent of the cluster.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Member;

/// Alive.
const ALIVE: u8 = 1;
/// Of the gossip between agents. Nothing is gossiped here: these are the numbers of the release whose interface is spoken.
const PROTOCOL: [u8; 3] = [1, 5, 2];
const DELEGATE: [u8; 3] = [2, 5, 4];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MemberAnswer<'a> {
    name: &'a str,
    addr: &'a str,
    port: u16,
    tags: &'a BTreeMap<String, String>,
    status: u8,
    protocol_min: u8,
    protocol_max: u8,
    protocol_cur: u8,
    delegate_min: u8,
    delegate_max: u8,
    delegate_cur: u8,
}

/// An element of `/v1/agent/members`.
pub fn member(member: &Member) -> impl Serialize + '_ {
    let ([protocol_min, protocol_max, protocol_cur], [delegate_min, delegate_max, delegate_cur]) = (PROTOCOL, DELEGATE);
    MemberAnswer {
        name: &member.name,
        addr: &member.address,
        port: member.port,
        tags: &member.tags,
        status: ALIVE,
        protocol_min,
        protocol_max,
        protocol_cur,
        delegate_min,
        delegate_max,
        delegate_cur,
    }
}
