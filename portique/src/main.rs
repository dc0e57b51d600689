//! The `portique` binary; everything is in the library, so that tests start hubs of their own.

use std::process::ExitCode;

fn main() -> ExitCode {
    portique::run(std::env::args_os()).into()
}
