//! `service-splitter`: which share of the requests for the service goes where.

use serde::{Deserialize, Serialize};

use crate::model::http::HeaderModifiers;
use crate::model::names::ServiceName;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceSplitter {
    /// Their weights make [`Weight::WHOLE`].
    pub splits: Vec<ServiceSplit>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceSplit {
    pub weight: Weight,
    /// `None`: the service that the splitter is named after.
    pub service: Option<ServiceName>,
    /// Empty: the service's default subset.
    pub subset: String,
    pub request_headers: HeaderModifiers,
    pub response_headers: HeaderModifiers,
}

/// A share in hundredths of a percent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weight(pub u32);

impl Weight {
    pub const WHOLE: Self = Self(10_000);
}
