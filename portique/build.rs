//! Embeds the web console in the binary, if it was built: `web/dist`, which `make console` fills.
//!
//! The build never runs npm. Without the console the binary is whole but for its pages, and says there
//! how to get them.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the console's own build puts its files.
const DIST: &str = "../web/dist";
/// Made by the console's build beside each file that is worth it.
const COMPRESSED: &str = "gz";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DIST}");
    println!("cargo::rerun-if-changed=build.rs");
    let manifest = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let dist = manifest.join(DIST);
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, &mut files)?;
        files.sort();
    }
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file
            .strip_prefix(&dist)?
            .to_str()
            .ok_or("a name is not UTF-8")?;
        let gzip = with_suffix(file);
        let gzip = match gzip.is_file() {
            true => format!("Some(include_bytes!({gzip:?}))"),
            false => "None".to_owned(),
        };
        writeln!(
            table,
            "Asset {{ name: {name:?}, bytes: include_bytes!({file:?}), gzip: {gzip} }},"
        )?;
    }
    table.push(']');
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("console_assets.rs");
    fs::write(out, table)?;
    Ok(())
}

/// Every file below `folder` that a visitor may ask for.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_compressed = path.extension().is_some_and(|end| end == COMPRESSED);
        if path.is_dir() {
            collect(&path, files)?;
        } else if !is_hidden && !is_compressed {
            files.push(path);
        }
    }
    Ok(())
}

fn with_suffix(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(COMPRESSED);
    PathBuf::from(name)
}
