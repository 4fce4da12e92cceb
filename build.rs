//! Finds the descriptors of Envoy's messages inside the package `envoy-types`, which ships but does not export them, and
//! puts them where `src/canonical.rs` includes them from.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    let descriptors = package_directory()?.join("src/generated/types.bin");
    let out = Path::new(&env::var("OUT_DIR")?).join("envoy-descriptors.bin");
    fs::copy(&descriptors, out).map_err(|error| format!("cannot copy {}: {error}", descriptors.display()))?;
    Ok(())
}

/// Only cargo knows where a package lies: in the registry's cache, vendored, or patched. Without the network first, as
/// all that is built is there already; a first build may lack packages that it does not use, and then needs it.
fn package_directory() -> Result<PathBuf, Box<dyn Error>> {
    let metadata = match metadata(&["--offline"]) {
        Ok(metadata) => metadata,
        Err(_) => metadata(&[])?,
    };
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let package = packages.iter().find(|package| package["name"] == "envoy-types");
    let manifest = package.and_then(|package| package["manifest_path"].as_str()).ok_or("envoy-types is not there")?;
    Ok(Path::new(manifest).parent().ok_or("a manifest lies in a directory")?.to_owned())
}

fn metadata(arguments: &[&str]) -> Result<serde_json::Value, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &env::var("TARGET")?])
        .args(arguments)
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
