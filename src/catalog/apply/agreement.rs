//! What config entries may say depends on others: after a write they still agree. It is the whole write that is judged,
//! so entries written together may come in any order.

use super::draft::Draft;
use super::fault::Fault;
use super::refusal::Refusal;
use crate::catalog::query;
use crate::catalog::tables::Tables;
use crate::model::entry::{JwtProvider, ProxyDefaults, ServiceDefaults, ServiceIntentions};
use crate::model::intention::WILDCARD;
use crate::model::{EntryKey, EntryKind, MutualTls, ServiceName};

impl Draft {
    /// Everything that does not hold any more.
    pub(super) fn disagreements(&self, before: &Tables) -> Vec<Fault> {
        let mut faults = Vec::new();
        for key in self.touched_entries() {
            let mut fault = |of: EntryKey, holds: Result<(), Refusal>| {
                faults.extend(holds.err().map(|refusal| Fault { refusal, of, by: key.clone() }));
            };
            for destination in self.destinations_near(key) {
                let holds = self.intentions_hold(&destination);
                fault(EntryKey::new(EntryKind::ServiceIntentions, &destination), holds);
            }
            for service in self.limits_near(key) {
                let holds = self.limits_hold(&service);
                fault(EntryKey::new(EntryKind::ServiceDefaults, &service), holds);
            }
            fault(key.clone(), self.may_be_permissive(key, before));
        }
        faults
    }

    /// The destinations whose intentions the entry bears on.
    fn destinations_near(&self, key: &EntryKey) -> Vec<String> {
        match key.kind {
            EntryKind::ServiceIntentions | EntryKind::ServiceDefaults => vec![key.name.clone()],
            // a default for every service, or keys that any intention may need
            EntryKind::ProxyDefaults | EntryKind::JwtProvider => self.names_of(EntryKind::ServiceIntentions),
            _ => vec![],
        }
    }

    /// The services whose limits the entry bears on.
    fn limits_near(&self, key: &EntryKey) -> Vec<String> {
        match key.kind {
            EntryKind::ServiceDefaults => vec![key.name.clone()],
            EntryKind::ProxyDefaults => self.names_of(EntryKind::ServiceDefaults),
            _ => vec![],
        }
    }

    fn names_of(&self, kind: EntryKind) -> Vec<String> {
        query::entries(&self.tables, kind).iter().map(|entry| entry.name.clone()).collect()
    }

    /// The keys that tokens are proved with are known, and the destination's requests can be seen where they must be.
    fn intentions_hold(&self, destination: &str) -> Result<(), Refusal> {
        let Some(body) = self.tables.body::<ServiceIntentions>(destination) else { return Ok(()) };
        let unknown = |name: &&str| self.tables.body::<JwtProvider>(name).is_none();
        if let Some(provider) = body.providers().find(unknown) {
            let (destination, provider) = (destination.into(), provider.to_owned());
            return Err(Refusal::UnknownProvider { destination, provider });
        }
        let needs_requests = !body.jwt.is_empty() || body.sources.iter().any(|source| !source.permissions.is_empty());
        let service = ServiceName::from(destination);
        let protocol = query::protocol(&self.tables, &service);
        if needs_requests && service != WILDCARD && !protocol.is_http_like() {
            return Err(Refusal::NeedsRequests { destination: service, protocol });
        }
        Ok(())
    }

    /// Requests that are to be counted can be seen.
    fn limits_hold(&self, service: &str) -> Result<(), Refusal> {
        let Some(body) = self.tables.body::<ServiceDefaults>(service) else { return Ok(()) };
        let service = ServiceName::from(service);
        let protocol = query::protocol(&self.tables, &service);
        if !body.rate_limits.is_empty() && !protocol.is_http_like() {
            return Err(Refusal::NoRequestsToLimit { service, protocol });
        }
        Ok(())
    }

    /// Asking for it is what the mesh has to allow; what was asked for when it was allowed stays.
    fn may_be_permissive(&self, key: &EntryKey, before: &Tables) -> Result<(), Refusal> {
        let asks = |tables: &Tables| match key.kind {
            EntryKind::ServiceDefaults => tables.body::<ServiceDefaults>(&key.name).and_then(|body| body.mutual_tls),
            EntryKind::ProxyDefaults => tables.body::<ProxyDefaults>(&key.name).and_then(|body| body.mutual_tls),
            _ => None,
        } == Some(MutualTls::Permissive);
        if asks(&self.tables) && !asks(before) && !query::mesh(&self.tables).allow_permissive_mutual_tls {
            return Err(Refusal::PermissiveNotAllowed(key.clone()));
        }
        Ok(())
    }
}
