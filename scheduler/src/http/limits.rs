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
use crate::state::App;

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
    pub(crate) fn around(self, routes: Router<App>) -> Router<App> {
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
