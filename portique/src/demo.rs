//! Placeholder.
pub(crate) async fn watch(
    _visitor: &crate::cli::visitor::Visitor,
    _rocket: &str,
) -> Result<(), crate::Error> {
    Ok(())
}
