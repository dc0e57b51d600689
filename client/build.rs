//! Compiles the contracts of bus, jobs and telemetry; no `protoc` needs to be installed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto/bus.proto");
    println!("cargo::rerun-if-changed=../proto/jobs.proto");
    println!("cargo::rerun-if-changed=../proto/telemetry.proto");
    let descriptors =
        protox::compile(["bus.proto", "jobs.proto", "telemetry.proto"], ["../proto"])?;
    tonic_prost_build::configure()
        .bytes(".")
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
