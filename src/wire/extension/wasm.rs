//! `builtin/wasm`.

use super::callee::retry;
use super::{listener_type, proxy_type};
use crate::model::extension::{Wasm, WasmCode, WasmRuntime};
use crate::wire::fields::{Fields, Result, asks_nothing};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Wasm> {
    proxy_type(fields)?;
    let direction = listener_type(fields)?;
    let tcp = match fields.text("Protocol")?.as_str() {
        "" | "tcp" => true,
        "http" | "http2" | "grpc" => false,
        other => {
            return Err(fields.error("Protocol", format!("{other:?} is no protocol; expected one of tcp, http, grpc")));
        }
    };
    let mut plugin =
        fields.object("PluginConfig", "PluginConfig")?.ok_or_else(|| fields.error("PluginConfig", "is required"))?;
    let allowed_capabilities = match plugin.object("CapabilityRestrictionConfiguration", "restrictions")? {
        None => vec![],
        Some(mut restrictions) => {
            let allowed = restrictions.opaque("AllowedCapabilities")?;
            if let Some(capability) = allowed.iter().find(|(_, how)| !asks_nothing(how, &[])).map(|(name, _)| name) {
                let message = format!("{capability:?} can only be allowed as a whole: {{}}");
                return Err(restrictions.error("AllowedCapabilities", message));
            }
            restrictions.finish()?;
            allowed.keys().cloned().collect()
        }
    };
    let mut vm = plugin.object("VmConfig", "VmConfig")?.ok_or_else(|| plugin.error("VmConfig", "is required"))?;
    let (mut host_variables, mut variables) = (vec![], Default::default());
    if let Some(mut environment) = vm.object("EnvironmentVariables", "EnvironmentVariables")? {
        host_variables = environment.texts("HostEnvKeys")?;
        variables = environment.text_map("KeyValues")?;
        environment.finish()?;
    }
    let wasm = Wasm {
        direction,
        tcp,
        name: plugin.text("Name")?,
        root_id: plugin.text("RootID")?,
        configuration: plugin.text("Configuration")?,
        allowed_capabilities,
        vm_id: vm.text("VmID")?,
        runtime: vm.word("Runtime", "runtime of WebAssembly")?.unwrap_or(WasmRuntime::V8),
        vm_configuration: vm.text("Configuration")?,
        host_variables,
        variables,
        code: code(&mut vm)?,
    };
    vm.finish()?;
    plugin.finish()?;
    Ok(wasm)
}

fn code(vm: &mut Fields<'_>) -> Result<WasmCode> {
    let mut code = vm.object("Code", "Code")?.ok_or_else(|| vm.error("Code", "is required"))?;
    let (local, remote) = (code.object("Local", "local code")?, code.object("Remote", "remote code")?);
    code.only_one_of(&["Local", "Remote"], &[local.is_some(), remote.is_some()])?;
    code.finish()?;
    if let Some(mut local) = local {
        let file = local.text("Filename")?;
        if file.is_empty() {
            return Err(local.error("Filename", "is required"));
        }
        local.finish()?;
        return Ok(WasmCode::File(file));
    }
    let Some(mut remote) = remote else { return Err(vm.error("Code", "is required")) };
    let mut http = remote.object("HttpURI", "HttpURI")?.ok_or_else(|| remote.error("HttpURI", "is required"))?;
    let uri = http.text("URI")?;
    if !uri.starts_with("http://") && !uri.starts_with("https://") {
        return Err(http.error("URI", format!("{uri:?} must be the http address of the code at the service")));
    }
    let service = http.object("Service", "a service")?;
    let mut service = service.ok_or_else(|| http.error("Service", "is required: the upstream that has the code"))?;
    let name = service.text("Name")?;
    if name.is_empty() {
        return Err(service.error("Name", "is required"));
    }
    service.default_tenancy()?;
    service.finish()?;
    let timeout = http.optional_duration("Timeout")?;
    http.finish()?;
    let sha256 = remote.text("SHA256")?;
    if sha256.len() != 64 || !sha256.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(remote.error("SHA256", "must be the SHA-256 of the code, 64 hex digits"));
    }
    let retry = retry(&mut remote, "RetryBackOff")?;
    remote.finish()?;
    let callee = crate::model::extension::Callee { service: name.into(), port: 0, timeout };
    Ok(WasmCode::Remote { callee, uri, sha256, retry })
}
