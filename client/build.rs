//! Compiles the contracts of bus and jobs; no `protoc` needs to be installed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto/bus.proto");
    println!("cargo::rerun-if-changed=../proto/jobs.proto");
    let descriptors = protox::compile(["bus.proto", "jobs.proto"], ["../proto"])?;
    tonic_prost_build::configure()
        .bytes(".")
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
