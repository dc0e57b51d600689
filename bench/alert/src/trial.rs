//! Events at moments that nobody can foresee.

use std::time::Duration;

use crate::board::Board;

/// Between two events, at least and at most.
const PAUSE_MS_MIN: u64 = 20;
const PAUSE_MS_SPREAD: u64 = 80;

/// Has each level cross its limit in turn.
pub(crate) async fn each(
    events: usize,
    board: &Board,
    mut tell: impl AsyncFnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..events {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let pause_ms = PAUSE_MS_MIN + state % PAUSE_MS_SPREAD;
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        board.cross(number);
        tell(number).await?;
    }
    Ok(())
}
