//! Plain reads from a process on loopback, for what has no typed call: `/ready`, `/metrics`.

use std::sync::LazyLock;
use std::time::Duration;

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(client);

/// A client with connections of its own.
pub(crate) fn client() -> reqwest::Client {
    // Another crate of this process may have installed it already; either is ring's.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .expect("a client without certificates of its own can always be built")
}

/// Answers status and body of `GET url`.
///
/// # Errors
/// Where nothing answers within five seconds.
pub async fn get(url: &str) -> Result<(u16, String), reqwest::Error> {
    get_as(url, None).await
}

/// The same with a bearer token.
///
/// # Errors
/// As [`get`].
pub async fn get_as(url: &str, token: Option<&str>) -> Result<(u16, String), reqwest::Error> {
    let ask = CLIENT.get(url);
    let ask = match token {
        Some(token) => ask.bearer_auth(token),
        None => ask,
    };
    let answer = ask.send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// Answers the status of `DELETE url`.
///
/// # Errors
/// Where nothing answers within five seconds.
pub async fn delete(url: &str) -> Result<u16, reqwest::Error> {
    Ok(CLIENT.delete(url).send().await?.status().as_u16())
}

/// The sum of a metric's samples whose line starts with `name` and holds every one of `labels`.
#[must_use]
pub fn metric(page: &str, name: &str, labels: &[&str]) -> f64 {
    page.lines()
        .filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        })
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_the_labels_asked_for() {
        let page = "# HELP a b\na{x=\"1\",y=\"2\"} 3\na{x=\"1\",y=\"3\"} 4\na_total 100\na 5\n";
        assert!((metric(page, "a", &["x=\"1\""]) - 7.0).abs() < f64::EPSILON);
        assert!((metric(page, "a", &[]) - 12.0).abs() < f64::EPSILON);
        assert!((metric(page, "a_total", &[]) - 100.0).abs() < f64::EPSILON);
    }
}
