//! How much is let in. Three lanes, each with its own concurrency and its own database connections, so that what
//! keeps leases alive is never shed for the sake of new work (DESIGN section 6).

use std::convert::Infallible;
use std::time::Duration;

use axum::BoxError;
use axum::Router;
use axum::error_handling::HandleErrorLayer;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::load_shed::error::Overloaded;
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;

use super::problem::{self, Reply};

/// What a group of routes may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    /// Its name in metrics.
    pub(crate) name: &'static str,
    /// Requests at a time; the next one is shed.
    pub(crate) concurrency: usize,
    /// Longest time for one request.
    pub(crate) timeout: Duration,
}

impl Lane {
    /// Puts the lane's limits around its routes.
    pub(crate) fn around<S: Clone + Send + Sync + 'static>(self, routes: Router<S>) -> Router<S> {
        let refuse = move |error: BoxError| {
            let reply = refusal(&error);
            if error.is::<Overloaded>() {
                metrics::counter!("scheduler_shed_total", "lane" => self.name).increment(1);
            }
            async move { reply }
        };
        let limits = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(refuse))
            .layer(LoadShedLayer::new())
            // Global: axum wraps every route on its own, and the lane is one.
            .layer(GlobalConcurrencyLimitLayer::new(self.concurrency))
            .layer(TimeoutLayer::new(self.timeout))
            .map_err(|error: Infallible| -> BoxError { match error {} });
        routes.layer(limits)
    }
}

fn refusal(error: &BoxError) -> Reply {
    if error.is::<Overloaded>() {
        problem::OVERLOADED.because("too many requests of this kind are being worked on; come back a little later")
    } else if error.is::<Elapsed>() {
        problem::TIMED_OUT.because("nobody knows whether it was done: repeat it with the same key or epoch")
    } else {
        problem::INTERNAL.because("the request could not be worked on")
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::routing::get;
    use tokio::sync::Notify;
    use tower::ServiceExt as _;

    use super::*;

    fn ask(path: &str) -> Request<Body> {
        Request::get(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn what_a_lane_cannot_take_is_shed_and_the_next_lane_does_not_notice() {
        let (inside, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entered, leave) = (Arc::clone(&inside), Arc::clone(&go));
        let wait = get(async move || {
            entered.notify_one();
            leave.notified().await;
        });
        let lane = |name| Lane { name, concurrency: 1, timeout: Duration::from_secs(60) };
        let submits = lane("submit").around(Router::new().route("/submit", wait).route("/list", get(async || ())));
        let router = submits.merge(lane("lease").around(Router::new().route("/beat", get(async || ()))));
        let first = tokio::spawn(router.clone().oneshot(ask("/submit")));
        inside.notified().await;
        let shed = router.clone().oneshot(ask("/list")).await.unwrap();
        assert_eq!(shed.status(), StatusCode::SERVICE_UNAVAILABLE, "one lane, whatever the route");
        assert!(shed.headers().contains_key("retry-after"));
        assert_eq!(router.clone().oneshot(ask("/beat")).await.unwrap().status(), StatusCode::OK);
        go.notify_one();
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
        assert_eq!(router.oneshot(ask("/list")).await.unwrap().status(), StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_given_up() {
        let lane = Lane { name: "lease", concurrency: 1, timeout: Duration::from_secs(10) };
        let router: Router = lane.around(Router::new().route("/", get(async || pending::<()>().await)));
        let given_up = router.oneshot(ask("/")).await.unwrap();
        assert_eq!(given_up.status(), StatusCode::GATEWAY_TIMEOUT);
    }
}
