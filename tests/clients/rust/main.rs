//! Uses the crate rs-consul against the agent whose port is given: keys, services, nodes, and a read that blocks. A
//! service `web` is registered there, at port 8081.

use std::time::Duration;

use rs_consul::{Config, Consul, QueryOptions};
use rs_consul::{CreateOrUpdateKeyRequest, DeleteKeyRequest, GetNodesRequest, ReadKeyRequest};

fn put(key: &str, check_and_set: Option<i64>) -> CreateOrUpdateKeyRequest<'_> {
    CreateOrUpdateKeyRequest { key, check_and_set, ..Default::default() }
}

fn read(key: &str) -> ReadKeyRequest<'_> {
    ReadKeyRequest { key, ..Default::default() }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args().nth(1).expect("a port");
    let config = Config { address: format!("http://127.0.0.1:{port}"), ..Config::from_env() };
    let consul = Consul::new(config);

    assert!(consul.create_or_update_key(put("app/limit", None), b"5".to_vec()).await.expect("a key is set").0);
    let found = consul.read_key(read("app/limit")).await.expect("a key is read");
    let first = &found.response[0];
    assert_eq!((first.key.as_str(), first.value.as_deref()), ("app/limit", Some("5")));
    let index = first.modify_index;
    assert!(consul.create_or_update_key(put("app/limit", Some(index)), b"6".to_vec()).await.expect("it is compared").0);
    assert!(
        !consul.create_or_update_key(put("app/limit", Some(index)), b"7".to_vec()).await.expect("it is compared").0
    );
    let below = ReadKeyRequest { recurse: true, ..read("app/") };
    assert_eq!(consul.read_key(below).await.expect("keys are read").response.len(), 1);
    let gone = DeleteKeyRequest { key: "app/", recurse: true, ..Default::default() };
    assert!(consul.delete_key(gone).await.expect("keys are deleted"));
    assert!(consul.read_key(read("app/limit")).await.is_err(), "it is gone");

    let names = consul.get_all_registered_service_names(None).await.expect("names of services");
    assert!(names.response.contains(&"web".to_owned()), "{:?}", names.response);
    let at = consul.get_service_addresses_and_ports("web", None).await.expect("where it is");
    assert_eq!(at, [("127.0.0.1".to_owned(), 8081)]);
    let nodes = consul.get_nodes(GetNodesRequest::default(), None).await.expect("nodes");
    assert_eq!(nodes.response.len(), 1);

    let wait = Some(Duration::from_secs(1));
    let until = QueryOptions { index: Some(names.index), wait, ..Default::default() };
    let later = consul.get_all_registered_service_names(Some(until)).await.expect("it answers when the time is over");
    assert_eq!(later.index, names.index);
    println!("rs-consul reads and writes what it shall");
}
