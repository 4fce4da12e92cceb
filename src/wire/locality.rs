//! Where a node or an instance is.

use super::fields::{Fields, Result};
use crate::model::Locality;

/// `None` when absent or empty.
///
/// # Errors
/// When there is a zone without its region.
pub fn decode(fields: &mut Fields<'_>) -> Result<Option<Locality>> {
    let Some(mut locality) = fields.object("Locality", "a locality")? else { return Ok(None) };
    let (region, zone) = (locality.text("Region")?, locality.text("Zone")?);
    if region.is_empty() && !zone.is_empty() {
        return Err(locality.error("Zone", "needs a Region"));
    }
    locality.finish()?;
    Ok((!region.is_empty()).then_some(Locality { region, zone }))
}
