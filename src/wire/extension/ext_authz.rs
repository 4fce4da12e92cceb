//! `builtin/ext-authz`.

use super::callee::{grpc, location, pairs, target, text_matches};
use super::{listener_type, proxy_type};
use crate::model::extension::{AuthzService, ExtAuthz, HttpAuthz, Location, RequestBody};
use crate::wire::fields::{Fields, Result};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ExtAuthz> {
    proxy_type(fields)?;
    let direction = listener_type(fields)?;
    let location = location(fields, Location::First)?;
    let mut config = fields.object("Config", "Config")?.ok_or_else(|| fields.error("Config", "is required"))?;
    let service = service(&mut config)?;
    let status = config.optional_count("StatusOnError")?.filter(|status| *status != 0);
    if status.is_some_and(|status| !(100..600).contains(&status)) {
        return Err(config.error("StatusOnError", "must be a status of HTTP, from 100 to 599"));
    }
    let authz = ExtAuthz {
        direction,
        location,
        service,
        request_body: request_body(&mut config)?,
        status_on_error: status,
        stat_prefix: config.text("StatPrefix")?,
        clear_route_cache: config.flag("ClearRouteCache")?,
        include_peer_certificate: config.flag("IncludePeerCertificate")?,
        metadata_context_namespaces: config.texts("MetadataContextNamespaces")?,
        bootstrap_metadata_labels_key: config.text("BootstrapMetadataLabelsKey")?,
    };
    config.finish()?;
    Ok(authz)
}

fn service(config: &mut Fields<'_>) -> Result<AuthzService> {
    let grpc_service = config.object("GrpcService", "GrpcService")?;
    let http_service = config.object("HttpService", "HttpService")?;
    config.only_one_of(&["GrpcService", "HttpService"], &[grpc_service.is_some(), http_service.is_some()])?;
    if let Some(mut fields) = grpc_service {
        let service = grpc(&mut fields)?;
        fields.finish()?;
        return Ok(AuthzService::Grpc(service));
    }
    let mut fields = http_service.ok_or_else(|| config.error("HttpService", "is required"))?;
    let mut http = HttpAuthz {
        callee: target(&mut fields)?,
        path_prefix: fields.text("PathPrefix")?,
        allowed_headers: vec![],
        headers_to_add: vec![],
        upstream_headers: vec![],
        upstream_headers_to_append: vec![],
        client_headers: vec![],
        client_headers_on_success: vec![],
        metadata_from_headers: vec![],
    };
    if !http.path_prefix.is_empty() && !http.path_prefix.starts_with('/') {
        return Err(fields.error("PathPrefix", "must begin with a slash"));
    }
    if let Some(mut request) = fields.object("AuthorizationRequest", "AuthorizationRequest")? {
        http.allowed_headers = text_matches(&mut request, "AllowedHeaders")?;
        http.headers_to_add = pairs(&mut request, "HeadersToAdd")?;
        request.finish()?;
    }
    if let Some(mut response) = fields.object("AuthorizationResponse", "AuthorizationResponse")? {
        http.upstream_headers = text_matches(&mut response, "AllowedUpstreamHeaders")?;
        http.upstream_headers_to_append = text_matches(&mut response, "AllowedUpstreamHeadersToAppend")?;
        http.client_headers = text_matches(&mut response, "AllowedClientHeaders")?;
        http.client_headers_on_success = text_matches(&mut response, "AllowedClientHeadersOnSuccess")?;
        http.metadata_from_headers = text_matches(&mut response, "DynamicMetadataFromHeaders")?;
        response.finish()?;
    }
    fields.finish()?;
    Ok(AuthzService::Http(Box::new(http)))
}

fn request_body(config: &mut Fields<'_>) -> Result<Option<RequestBody>> {
    let Some(mut fields) = config.object("WithRequestBody", "WithRequestBody")? else { return Ok(None) };
    let max_bytes = fields.optional_count("MaxRequestBytes")?.filter(|bytes| *bytes != 0);
    let max_bytes = max_bytes.ok_or_else(|| fields.error("MaxRequestBytes", "must be at least 1"))?;
    let body = RequestBody {
        max_bytes,
        allow_partial: fields.flag("AllowPartialMessage")?,
        as_bytes: fields.flag("PackAsBytes")?,
    };
    fields.finish()?;
    Ok(Some(body))
}
