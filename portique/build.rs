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
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut table = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        let name = file.strip_prefix(&dist)?.to_str();
        let name = name.ok_or("a name is not UTF-8")?;
        let bytes = include(file, &out.join(number.to_string()))?;
        let compressed = with_suffix(file);
        let gzip = match compressed.is_file() {
            true => format!(
                "Some({})",
                include(&compressed, &out.join(format!("{number}.gz")))?
            ),
            false => "None".to_owned(),
        };
        writeln!(
            table,
            "Asset {{ name: {name:?}, bytes: {bytes}, gzip: {gzip} }},"
        )?;
    }
    table.push(']');
    fs::write(out.join("console_assets.rs"), table)?;
    Ok(())
}

/// Keeps a copy for the compiler, so that a console that is built meanwhile is not half in the binary.
fn include(file: &Path, copy: &Path) -> Result<String, Box<dyn Error>> {
    fs::copy(file, copy)?;
    Ok(format!("include_bytes!({copy:?})"))
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
