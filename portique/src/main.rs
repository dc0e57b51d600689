//! The `portique` binary; everything is in the library, so that tests start hubs of their own.

use std::process::ExitCode;

/// A hub under load allocates and frees across threads all the time; the C library's allocator costs it
/// a sixth of its processors (`make bench BENCH=broker`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    portique::run(std::env::args_os()).into()
}
