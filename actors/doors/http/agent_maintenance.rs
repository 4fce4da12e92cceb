//! `/v1/agent/maintenance`, `/v1/agent/service/maintenance/:id`: taken out of use for a while, by a critical check.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::MethodFilter;

use chancery::catalog::{Write, query};
use chancery::model::check::{NODE_MAINTENANCE, SERVICE_MAINTENANCE};
use chancery::model::{Check, CheckId, Index, ServiceId, ServiceName, Status};

use super::HttpDoor;
use super::agent_services::{registered, unknown};
use super::params::Params;
use super::reply::{self, Failure};
use crate::doors::endpoints::common::SCOPE;
use crate::doors::endpoints::{Endpoints, Kind, Parameter, Parameters};

const MAINTENANCE: Parameters = &[
    Parameter::new("enable", Kind::Flag, "`true` begins it, `false` ends it; one of them must be said."),
    Parameter::new("reason", Kind::Text, "Why; it stands in the notes of the check."),
];

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("agent-maintenance", "agent", "Taken out of use for a while, by a critical check.")
        .put("/v1/agent/maintenance", node, "The whole node.", &[SCOPE, MAINTENANCE])
        .put("/v1/agent/service/maintenance/{*id}", service, "One instance.", &[SCOPE, MAINTENANCE])
        .unnamed("/v1/agent/service/maintenance/", MethodFilter::PUT, async || reply::missing("service ID"))
}

async fn node(State(door): State<HttpDoor>, params: Params) -> Result<StatusCode, Failure> {
    door.maintain(&params, NODE_MAINTENANCE.into(), "Node Maintenance Mode", ServiceId::default(), "node").await
}

async fn service(State(door): State<HttpDoor>, params: Params, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    let id = ServiceId::from(id);
    if registered(&door.tables(), door.node(), &id).is_none() {
        return Err(unknown(&id));
    }
    let check = CheckId::from(format!("{SERVICE_MAINTENANCE}{id}"));
    door.maintain(&params, check, "Service Maintenance Mode", id, "service").await
}

impl HttpDoor {
    /// Begins or ends it. Beginning twice keeps the first reason, as ending twice ends nothing.
    async fn maintain(
        &self,
        params: &Params,
        id: CheckId,
        name: &str,
        service: ServiceId,
        what: &str,
    ) -> Result<StatusCode, Failure> {
        if params.get("enable").is_none_or(str::is_empty) {
            return Err(Failure::bad_request("Missing value for enable: say ?enable=true or ?enable=false"));
        }
        let enable = params.flag("enable")?;
        let known = query::check(&self.tables(), self.node(), &id).is_some();
        let write = match (enable, known) {
            (true, false) => Write::RegisterCheck(self.maintenance(params, id, name, service, what)),
            (false, true) => Write::DeregisterCheck { node: self.node().clone(), id },
            (true, true) | (false, false) => return Ok(StatusCode::OK),
        };
        self.commit(write).await?;
        Ok(StatusCode::OK)
    }

    fn maintenance(&self, params: &Params, id: CheckId, name: &str, service: ServiceId, what: &str) -> Check {
        let reason = params.get("reason").filter(|reason| !reason.is_empty()).map_or_else(
            || {
                format!(
                    "Maintenance mode is enabled for this {what}, but no reason was provided. This is a default message."
                )
            },
            str::to_owned,
        );
        Check {
            node: self.node().clone(),
            id,
            name: name.to_owned(),
            status: Status::Critical,
            notes: reason,
            output: String::new(),
            service_id: service,
            service_name: ServiceName::default(),
            service_tags: Vec::new(),
            exposed: None,
            definition: None,
            create_index: Index::default(),
            modify_index: Index::default(),
        }
    }
}
