use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// How often whoever follows a stream is looked at again: so long a stream outlives what opened it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// An answer with more frames than this is a stream, whether or not it ever waited.
const FRAMES_OF_ONE_ANSWER: u32 = 2;

/// The body of an answer, which ends when whoever asked for it would not be let in any more.
pub(crate) struct Admitted {
    /// None once it has ended.
    body: Option<Body>,
    is_still: Box<dyn Fn() -> bool + Send>,
    /// What is said at the end, where the protocol has words for it.
    last_words: Option<HeaderMap>,
    frames: u32,
    /// None as long as it may be an answer that is there at once.
    looks: Option<Interval>,
}

impl Admitted {
    /// This body, as long as `is_still` says so.
    pub(crate) fn new(body: Body, is_still: impl Fn() -> bool + Send + 'static) -> Self {
        Self {
            body: Some(body),
            is_still: Box::new(is_still),
            last_words: None,
            frames: 0,
            looks: None,
        }
    }

    /// The same, with trailers for the end that it has then.
    pub(crate) fn with_last_words(self, trailers: HeaderMap) -> Self {
        Self {
            last_words: Some(trailers),
            ..self
        }
    }

    /// Whether it was looked, and whoever asked is not let in any more.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(looks) = &mut self.looks else {
            return false;
        };
        while looks.poll_tick(cx).is_ready() {
            if !(self.is_still)() {
                return true;
            }
        }
        false
    }

    fn begin_to_look(&mut self, cx: &mut Context<'_>) {
        if self.looks.is_none() {
            let mut looks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // It is not due yet, and wakes the task when it is.
            let _ = looks.poll_tick(cx);
            self.looks = Some(looks);
        }
    }
}

impl HttpBody for Admitted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if this.is_over(cx) {
            this.body = None;
            let last_words = this.last_words.take();
            return Poll::Ready(last_words.map(|words| Ok(Frame::trailers(words))));
        }
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let next = Pin::new(body).poll_frame(cx);
        if next.is_pending() {
            this.begin_to_look(cx);
        }
        let next = ready!(next);
        this.frames = this.frames.saturating_add(1);
        if this.frames > FRAMES_OF_ONE_ANSWER {
            this.begin_to_look(cx);
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::{StreamExt, stream};

    use super::*;

    fn words(lines: &'static [&'static str]) -> Body {
        let lines = stream::iter(lines).map(|line| Ok::<_, axum::Error>(Bytes::from(*line)));
        Body::from_stream(lines.chain(stream::pending()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_its_follower_is_let_in_no_more() {
        let is_let_in = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&is_let_in);
        let body = Admitted::new(words(&["first"]), move || asked.load(Ordering::Relaxed));
        let mut chunks = Body::new(body).into_data_stream();
        assert_eq!(chunks.next().await.unwrap().unwrap(), "first");
        let later = tokio::time::timeout(20 * LOOK_EVERY, chunks.next()).await;
        assert!(later.is_err(), "it goes on");
        is_let_in.store(false, Ordering::Relaxed);
        let end = tokio::time::timeout(2 * LOOK_EVERY, chunks.next()).await;
        assert!(end.expect("it ends").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn its_end_has_words_where_the_protocol_has_them() {
        let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), 16.into())]);
        let body = Admitted::new(words(&[]), || false).with_last_words(trailers.clone());
        let mut body = std::pin::pin!(body);
        let mut next = async || std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        let last = next().await.unwrap().unwrap();
        assert_eq!(last.into_trailers().unwrap(), trailers);
        assert!(next().await.is_none());
    }

    #[tokio::test]
    async fn an_answer_that_is_there_is_given_whole() {
        let body = Admitted::new(Body::from("whole"), || unreachable!("nobody waits"));
        let bytes = axum::body::to_bytes(Body::new(body), 100).await.unwrap();
        assert_eq!(bytes, "whole");
    }
}
