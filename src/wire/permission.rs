//! What an intention may ask of requests, and of the tokens in them.

use std::collections::BTreeSet;

use super::fields::{Fields, Result};
use super::http::{self, HeaderTests};
use super::members::Members;
use crate::model::Action;
use crate::model::intention::{Claim, HttpPermission, JwtRequirement, Permission, RequiredProvider};

/// Empty when absent.
pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Vec<Permission>> {
    let permissions = fields.objects("Permissions", "a permission")?.unwrap_or_default();
    permissions.into_iter().map(permission).collect()
}

fn permission(mut fields: Fields<'_>) -> Result<Permission> {
    let action = action(&mut fields)?;
    let jwt = jwt(&mut fields)?;
    let http = match fields.object("HTTP", "a permission for requests")? {
        None => HttpPermission::default(),
        Some(mut inside) => {
            let permission = HttpPermission {
                path: http::path(&mut inside)?,
                headers: http::headers(&mut inside, HeaderTests::Intention)?,
                methods: http::methods(&mut inside)?,
            };
            inside.finish()?;
            permission
        }
    };
    if http == HttpPermission::default() && jwt.is_empty() {
        let message = "a permission needs one of PathExact, PathPrefix, PathRegex, Header, Methods, or a JWT beside it";
        return Err(fields.error("HTTP", message));
    }
    fields.finish()?;
    Ok(Permission { action, http, jwt })
}

pub(super) fn action(fields: &mut Fields<'_>) -> Result<Action> {
    let word = fields.text("Action")?;
    match word.as_str() {
        "allow" => Ok(Action::Allow),
        "deny" => Ok(Action::Deny),
        _ => Err(fields.error("Action", format!("expected allow or deny, got {word:?}"))),
    }
}

/// Empty when absent.
pub(super) fn jwt(fields: &mut Fields<'_>) -> Result<JwtRequirement> {
    let Some(mut fields) = fields.object("JWT", "a requirement of tokens")? else {
        return Ok(JwtRequirement::default());
    };
    let mut names = BTreeSet::new();
    let mut providers = Vec::new();
    for mut fields in fields.objects("Providers", "a provider of tokens")?.unwrap_or_default() {
        let name = fields.text("Name")?;
        if name.is_empty() {
            return Err(fields.error("Name", "is required"));
        }
        if !names.insert(name.clone()) {
            return Err(fields.error("Name", format!("{name:?} is there already")));
        }
        let claims = fields.objects("VerifyClaims", "a claim")?.unwrap_or_default();
        let claims = claims.into_iter().map(claim).collect::<Result<_>>()?;
        fields.finish()?;
        providers.push(RequiredProvider { name, claims });
    }
    if providers.is_empty() {
        return Err(fields.error("Providers", "needs at least one provider"));
    }
    fields.finish()?;
    Ok(JwtRequirement { providers })
}

fn claim(mut fields: Fields<'_>) -> Result<Claim> {
    let (path, value) = (fields.texts("Path")?, fields.text("Value")?);
    if path.is_empty() || path.iter().any(String::is_empty) {
        return Err(fields.error("Path", "needs the keys that lead to the claim, none of them empty"));
    }
    fields.finish()?;
    Ok(Claim { path, value })
}

pub(super) fn show(permission: &Permission) -> Members {
    let http = http::show_path(Members::default(), permission.http.path.as_ref());
    let http = http::show_headers(http, &permission.http.headers).texts("Methods", &permission.http.methods);
    Members::default()
        .text("Action", permission.action.as_str())
        .object("HTTP", http)
        .object("JWT", show_jwt(&permission.jwt))
}

pub(super) fn show_jwt(requirement: &JwtRequirement) -> Members {
    let claim = |claim: &Claim| Members::default().texts("Path", &claim.path).text("Value", &claim.value);
    let provider = |provider: &RequiredProvider| {
        let claims = provider.claims.iter().map(claim);
        Members::default().text("Name", &provider.name).objects("VerifyClaims", claims)
    };
    Members::default().objects("Providers", requirement.providers.iter().map(provider))
}
