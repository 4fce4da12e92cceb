//! Addresses of host names, from the system's resolver. It blocks a thread for as long as a name server is silent, so a
//! name that many checks ask for is looked up once for all that wait, and only so many names at once.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;

/// Threads that may wait for name servers, far below what one runtime has for all that blocks.
const AT_ONCE: usize = 64;

/// Shared by all who ask for the name; an error as text, since errors of IO cannot be shared.
type Lookup = Shared<BoxFuture<'static, Result<Arc<[SocketAddr]>, (io::ErrorKind, String)>>>;

#[derive(Clone)]
pub struct Names {
    under_way: Arc<Mutex<HashMap<String, Lookup>>>,
    places: Arc<Semaphore>,
}

impl Default for Names {
    fn default() -> Self {
        Self { under_way: Arc::default(), places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Names {
    /// At least one address, in the order the system prefers. Who stops waiting does not stop the lookup for others.
    pub async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let found = self.lookup(host).await.map_err(|(kind, text)| io::Error::new(kind, text))?;
        let addresses = found.iter().map(|address| SocketAddr::new(address.ip(), port));
        Ok(addresses.collect())
    }

    fn lookup(&self, host: &str) -> Lookup {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = under_way.get(host) {
            return lookup.clone();
        }
        let (names, name) = (self.clone(), host.to_owned());
        let task = tokio::spawn(async move {
            let _place = names.places.acquire().await;
            let asked = name.clone();
            let found = tokio::task::spawn_blocking(move || system(&asked)).await;
            names.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            found.unwrap_or_else(|broken| Err(io::Error::other(broken)))
        });
        let lookup = async move {
            let found = task.await.unwrap_or_else(|broken| Err(io::Error::other(broken)));
            found.map_err(|error| (error.kind(), error.to_string()))
        };
        let lookup = lookup.boxed().shared();
        under_way.insert(host.to_owned(), lookup.clone());
        lookup
    }
}

fn system(host: &str) -> io::Result<Arc<[SocketAddr]>> {
    let found: Arc<[SocketAddr]> = (host, 0).to_socket_addrs()?.collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_need_no_resolver_and_names_ask_the_system() {
        let names = Names::default();
        for host in ["127.0.0.1", "::1"] {
            let addresses = names.addresses(host, 7).await.unwrap();
            assert_eq!(addresses, [SocketAddr::new(host.parse().unwrap(), 7)]);
        }
        let addresses = names.addresses("localhost", 7).await.unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{addresses:?}");
        assert!(names.under_way.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_asks_for_a_name_that_is_under_way_waits_for_the_same_answer() {
        let names = Names::default();
        let _none = names.places.acquire_many(64).await.unwrap();
        let [first, second] = [names.lookup("localhost"), names.lookup("localhost")];
        assert!(first.ptr_eq(&second));
        assert!(!names.lookup("ip6-localhost").ptr_eq(&first));
    }
}
