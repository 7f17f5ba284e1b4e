//! `testigo`: field reports in, monthly briefs out.

use std::process::ExitCode;

fn main() -> ExitCode {
    testigo::main(std::env::args_os())
}
