//! `testigo`: field reports in, monthly briefs out.

use std::process::ExitCode;

/// The C library's allocator keeps what many short-lived texts on several threads leave behind: an import of two million
/// rows peaked 1.42 times as high as one of two hundred thousand, with this one 1.28 times.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    testigo::main(std::env::args_os())
}
