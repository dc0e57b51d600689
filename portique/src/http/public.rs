use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use portique_fault::{Code, Report, Retry};
use tokio::sync::Semaphore;

use super::holding::Holding;
use super::problem;

/// A viewer goes when the page is left, which takes a while.
const RETRY_WHEN_FULL: Duration = Duration::from_secs(5);

/// Places for those who follow something without being signed in: however many they are, who is signed in gets in.
#[derive(Debug)]
pub(crate) struct Public {
    max: usize,
    places: Arc<Semaphore>,
}

impl Public {
    pub(crate) fn new(max: usize) -> Self {
        let places = Arc::new(Semaphore::new(max));
        Self { max, places }
    }

    /// The answer, which holds a place until it ends; or a refusal when there is none.
    pub(super) fn seat(&self, answer: Response) -> Response {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => answer.map(|body| Body::new(Holding::new(body, place))),
            Err(_) => problem::refuse_with(Report {
                code: Code::ResourceExhausted,
                message: format!(
                    "{} follow already without a sign-in: sign in, or come later",
                    self.max
                ),
                retry: Retry::After(RETRY_WHEN_FULL),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_viewer_is_gone() {
        let public = Public::new(1);
        let first = public.seat(Response::default());
        assert_eq!(first.status(), StatusCode::OK);
        let second = public.seat(Response::default());
        assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
        drop(first);
        let third = public.seat(Response::default());
        assert_eq!(third.status(), StatusCode::OK);
    }
}
