//! Tables of expressions, what is made of them, and what is said about wrong ones.

mod accepted;
mod printed;
mod refused;
mod roundtrip;
mod scripts;

use super::{Expr, Options, ParseErrors};

/// Parses with everything experimental on.
fn parse(text: &str) -> Result<Expr, ParseErrors> {
    super::parse(text, &Options::all())
}

fn parsed(text: &str) -> Expr {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
