//! `Fault` of a route's destination; not a spelling of Consul's.

use crate::model::fault::{Abort, AbortStatus, Delay, Fault};
use crate::wire::fields::{Fields, Result};
use crate::wire::members::Members;
use crate::wire::weight::shown;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Fault> {
    let Some(mut inside) = fields.object("Fault", "a fault")? else { return Ok(Fault::default()) };
    let fault = Fault { delay: delay(&mut inside)?, abort: abort(&mut inside)? };
    if fault.is_none() && inside.leftovers().is_empty() {
        return Err(fields.error("Fault", "needs a Delay, an Abort or both"));
    }
    inside.finish()?;
    Ok(fault)
}

fn delay(fields: &mut Fields<'_>) -> Result<Option<Delay>> {
    let Some(mut fields) = fields.object("Delay", "a delay")? else { return Ok(None) };
    let share = fields.share("Percent")?;
    let duration = fields.optional_duration("Duration")?;
    let duration = duration.ok_or_else(|| fields.error("Duration", "is required, such as \"2s\""))?;
    fields.finish()?;
    Ok(Some(Delay { share, duration }))
}

fn abort(fields: &mut Fields<'_>) -> Result<Option<Abort>> {
    let Some(mut fields) = fields.object("Abort", "an abort")? else { return Ok(None) };
    let share = fields.share("Percent")?;
    let status = |number: i64| u32::try_from(number).unwrap_or_default();
    let http = fields.whole("HTTPStatus", 400..=599)?.map(status);
    let grpc = fields.whole("GRPCStatus", 1..=16)?.map(status);
    fields.only_one_of(&["HTTPStatus", "GRPCStatus"], &[http.is_some(), grpc.is_some()])?;
    let status = http.map(AbortStatus::Http).or(grpc.map(AbortStatus::Grpc));
    let status = status.ok_or_else(|| fields.error("HTTPStatus", "is required"))?;
    fields.finish()?;
    Ok(Some(Abort { share, status }))
}

pub(super) fn show(fault: &Fault) -> Members {
    let delay = |delay: Delay| {
        Members::default().always("Percent", shown(delay.share)).duration("Duration", Some(delay.duration))
    };
    let abort = |abort: Abort| {
        let members = Members::default().always("Percent", shown(abort.share));
        match abort.status {
            AbortStatus::Http(status) => members.number("HTTPStatus", status),
            AbortStatus::Grpc(status) => members.number("GRPCStatus", status),
        }
    };
    Members::default()
        .object("Delay", fault.delay.map(delay).unwrap_or_default())
        .object("Abort", fault.abort.map(abort).unwrap_or_default())
}
