//! Why entries make no chain.

use std::fmt;

use thiserror::Error;

use crate::model::{Datacenter, EntryKey, Protocol, ServiceName};

/// A write that leads to one is refused.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("discovery chain {service:?}: {fault}")]
pub struct ChainError {
    /// Whose chain.
    pub service: ServiceName,
    pub fault: Fault,
}

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Fault {
    #[error(
        "inconsistent protocols: it speaks {own}, and {other:?}, where it leads, speaks {protocol}; give both the same \
         Protocol in service-defaults"
    )]
    Protocols { own: Protocol, other: ServiceName, protocol: Protocol },
    #[error(
        "{entry} does not permit the protocol {protocol}: routing and splitting need requests to be seen; give the \
         service the Protocol http, http2 or grpc in service-defaults first"
    )]
    NotHttp { entry: EntryKey, protocol: Protocol },
    #[error(
        "{entry} aborts with a GRPCStatus, and the service speaks {protocol}: give it the Protocol grpc, or say HTTPStatus"
    )]
    GrpcStatus { entry: EntryKey, protocol: Protocol },
    #[error("circular reference of splitters: {}", Way(.0))]
    Circle(Vec<String>),
    #[error("circular resolver redirect: {}", Way(.0))]
    CircularRedirect(Vec<String>),
    #[error("service {service:?} has no subset {subset:?}: define it in its service-resolver")]
    NoSubset { service: ServiceName, subset: String },
    #[error("service {service:?} has an ExternalSNI, and its service-resolver cannot have {what}")]
    External { service: ServiceName, what: &'static str },
    #[error(
        "service {service:?} is a function (builtin/aws/lambda), which is called over http, and would be called over \
         {protocol}: give it the Protocol http in its service-defaults, and its upstreams no other"
    )]
    FunctionProtocol { service: ServiceName, protocol: Protocol },
    #[error("service {service:?} is a function (builtin/aws/lambda), which has no instances for a subset {subset:?}")]
    FunctionSubset { service: ServiceName, subset: String },
    #[error(
        "{entry} leads to datacenter {datacenter:?}; this one is {own:?}, and others are not supported by this version \
         of chancery"
    )]
    OtherDatacenter { entry: EntryKey, datacenter: String, own: Datacenter },
    #[error("more than {0} splitters lead to one another")]
    TooDeep(usize),
    #[error("splitters behind {entry} come to more than {most} splits")]
    TooManySplits { entry: EntryKey, most: usize },
}

impl Fault {
    /// The one entry to put right, if it is known.
    pub fn entry(&self) -> Option<&EntryKey> {
        match self {
            Self::NotHttp { entry, .. } | Self::OtherDatacenter { entry, .. } | Self::TooManySplits { entry, .. } => {
                Some(entry)
            }
            _ => None,
        }
    }
}

/// Names in the order of a journey.
struct Way<'a>(&'a [String]);

impl fmt::Display for Way<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.join(" -> "))
    }
}
