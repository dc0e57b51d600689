use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// How many requests of a connection are under way.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct One(Arc<UnderWay>);

impl UnderWay {
    /// Another one has begun.
    pub(super) fn one_more(self: &Arc<Self>) -> One {
        self.begun.fetch_add(1, Ordering::Relaxed);
        One(Arc::clone(self))
    }

    /// Waits until nothing was under way and nothing began for so long, and at most twice as long.
    ///
    /// # Cancel safety
    /// Begins to wait anew.
    pub(super) async fn nothing_for(&self, limit: Duration) {
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            tokio::time::sleep(limit).await;
            let is_same = self.begun.load(Ordering::Relaxed) == begun;
            if is_same && self.ended.load(Ordering::Relaxed) == begun {
                return;
            }
        }
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of an answer, which is under way until it is sent.
pub(super) struct Counted {
    body: Body,
    _one: One,
}

impl Counted {
    pub(super) fn new(body: Body, one: One) -> Self {
        Self { body, _one: one }
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_long_is_not_nothing() {
        let limit = Duration::from_secs(30);
        let under_way = Arc::new(UnderWay::default());
        let one = under_way.one_more();
        let waited = tokio::time::timeout(10 * limit, under_way.nothing_for(limit)).await;
        assert!(waited.is_err(), "it is still there");
        drop(one);
        tokio::time::timeout(2 * limit, under_way.nothing_for(limit))
            .await
            .expect("nothing is left");
        let began = tokio::time::Instant::now();
        let waiting = async {
            under_way.nothing_for(limit).await;
            began.elapsed()
        };
        let short = async {
            tokio::time::sleep(limit / 2).await;
            drop(under_way.one_more());
        };
        let (waited, ()) = tokio::join!(waiting, short);
        assert_eq!(
            waited,
            2 * limit,
            "what came and went in between is not nothing"
        );
    }
}
