//! The Beta distribution, for parameters of at least 1.

/// Halvings of the interval; more than a floating point number has digits.
const HALVINGS: usize = 60;
/// Terms of the continued fraction, at most; it settles after about the root of its parameters.
const TERMS: usize = 10_000;
const SETTLED: f64 = 1e-14;
const TINY: f64 = 1e-300;

/// The value below which a share `p` of the distribution lies.
pub(super) fn quantile(p: f64, alpha: f64, beta: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if below(middle, alpha, beta) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The share of the distribution below `x`: the regularised incomplete beta function.
pub(super) fn below(x: f64, alpha: f64, beta: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let ln_front = ln_gamma(alpha + beta) - ln_gamma(alpha) - ln_gamma(beta) + alpha * x.ln() + beta * (-x).ln_1p();
    // The fraction settles fast on the left of the mean; on its right the mirror image is reckoned.
    if x < (alpha + 1.0) / (alpha + beta + 2.0) {
        ln_front.exp() * fraction(x, alpha, beta) / alpha
    } else {
        1.0 - ln_front.exp() * fraction(1.0 - x, beta, alpha) / beta
    }
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let kept = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / kept(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for m in 1..TERMS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / kept(1.0 + term * d);
            c = kept(1.0 + term / c);
            change = c * d;
            result *= change;
        }
        if (change - 1.0).abs() < SETTLED {
            break;
        }
    }
    result
}

/// The logarithm of the gamma function from 1 on: Stirling's series (DLMF 5.11.1) where it is exact to the last digits,
/// and from there down by `gamma(x) = gamma(x + 1) / x`.
fn ln_gamma(x: f64) -> f64 {
    const EXACT_FROM: f64 = 15.0;
    let mut shifted = x;
    let mut down = 0.0;
    while shifted < EXACT_FROM {
        down += shifted.ln();
        shifted += 1.0;
    }
    let inverse = 1.0 / shifted;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * std::f64::consts::TAU.ln() + series - down
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_distributions_with_a_closed_form() {
        for p in [0.025, 0.5, 0.9, 0.975] {
            assert!((quantile(p, 1.0, 1.0) - p).abs() < 1e-12);
            for n in [2.0, 7.0, 500.0, 100_000.0] {
                // Of Beta(n, 1) the share below x is x to the n, and Beta(1, n) is its mirror image.
                assert!((quantile(p, n, 1.0) - p.powf(1.0 / n)).abs() < 1e-10, "{p} {n}");
                assert!((quantile(p, 1.0, n) - (1.0 - (1.0 - p).powf(1.0 / n))).abs() < 1e-10, "{p} {n}");
            }
        }
        for x in [0.1_f64, 0.5, 0.8] {
            assert!((below(x, 2.0, 2.0) - (3.0 * x.powi(2) - 2.0 * x.powi(3))).abs() < 1e-12);
        }
    }

    #[test]
    fn the_share_below_never_falls_and_the_two_sides_are_mirror_images() {
        for (alpha, beta) in [(1.0, 9.0), (30.0, 4.0), (800.0, 1200.0)] {
            let shares: Vec<f64> = (0..=100).map(|x| below(f64::from(x) / 100.0, alpha, beta)).collect();
            assert!(shares.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12), "{alpha} {beta}");
            for x in [0.2, 0.41, 0.9] {
                assert!((below(x, alpha, beta) + below(1.0 - x, beta, alpha) - 1.0).abs() < 1e-10);
            }
        }
    }
}
