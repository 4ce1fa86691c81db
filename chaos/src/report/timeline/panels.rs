//! The plots: throughput, errors, p99, leases.

use std::collections::BTreeMap;

use super::Frame;
use super::axis::Axis;
use super::bins::{self, Bins};
use super::canvas::{self, Canvas};
use super::scale::Scale;
use crate::journal::{Journal, Series, Timeline};
use crate::report::markup::Markup;
use crate::report::words;

/// Regions that look different; more than that look alike again, and their order tells them apart.
const LOOKS: usize = 5;

/// Regions from the bottom of a stack to its top, each with its look.
pub(super) struct Regions(Vec<(String, String)>);

impl Regions {
    /// The victim is on top: where it leaves, the others are seen to grow into its place.
    pub(super) fn of(journal: &Journal) -> Self {
        let victim = journal.victim.as_ref().map(|victim| victim.region.as_str());
        let timeline = &journal.timeline;
        let mut names: Vec<&String> = journal.world.regions.iter().collect();
        for name in timeline.throughput.keys().chain(timeline.leases.keys()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.retain(|name| timeline.throughput.contains_key(*name) || timeline.leases.contains_key(*name));
        let (lost, kept): (Vec<&String>, Vec<&String>) =
            names.into_iter().partition(|name| Some(name.as_str()) == victim);
        let kept = kept.into_iter().enumerate().map(|(index, name)| (name.clone(), format!("r{}", index % LOOKS)));
        Self(kept.chain(lost.into_iter().map(|name| (name.clone(), "lost".to_owned()))).collect())
    }
}

/// Whether there is nothing to plot.
pub(super) fn empty(timeline: &Timeline) -> bool {
    bins::steps(timeline) == 0
}

/// Textures over the colours of regions and states.
pub(super) fn patterns(svg: &mut Markup, frame: &Frame) {
    svg.raw("<defs>");
    for (name, path) in [
        ("r1", "M0 8L8 0"),
        ("r2", "M0 4h8"),
        ("r3", "M4 0v8"),
        ("r4", "M0 0l8 8"),
        ("lost", "M0 8L8 0M0 0l8 8"),
        ("warn", "M0 8L8 0"),
    ] {
        svg.open(
            "pattern",
            &[
                ("id", &format_args!("{}-{name}", frame.id)),
                ("width", &8),
                ("height", &8),
                ("patternUnits", &"userSpaceOnUse"),
            ],
        );
        svg.leaf("path", &[("class", &"texture"), ("d", &path)]).close("pattern");
    }
    svg.raw("</defs>\n");
}

/// All plots, from the top down.
pub(super) fn draw(canvas: &mut Canvas, journal: &Journal, frame: &Frame, axis: &Axis, regions: &Regions) {
    let timeline = &journal.timeline;
    let plots = Plots { frame, axis, bins: Bins::of(timeline, frame.bins) };
    let rates = |series: &Series| plots.bins.rates(series);
    plots.stack(canvas, "Missions finished a second, by region", regions, &timeline.throughput, rates);
    plots.errors(canvas, &timeline.errors);
    plots.p99(canvas, &timeline.p99_ms);
    plots.stack(canvas, "Leases held, by region", regions, &timeline.leases, |series| plots.bins.last(series));
}

struct Plots<'a> {
    frame: &'a Frame,
    axis: &'a Axis,
    bins: Bins,
}

impl Plots<'_> {
    fn stack(
        &self,
        canvas: &mut Canvas,
        heading: &str,
        regions: &Regions,
        series: &BTreeMap<String, Series>,
        figures: impl Fn(&Series) -> Vec<f64>,
    ) {
        canvas.heading(self.frame, heading);
        let layers: Vec<(&String, &String, Vec<f64>)> =
            regions.0.iter().filter_map(|(name, look)| Some((name, look, figures(series.get(name)?)))).collect();
        self.key(canvas, &layers);
        let tops = stacked(layers.iter().map(|(_, _, figures)| figures.as_slice()), self.bins.count());
        let greatest = tops.last().map_or(0.0, |total| total.iter().copied().fold(0.0, f64::max));
        let height = if self.frame.words { 140.0 } else { 120.0 };
        let top = canvas.plot(height);
        let scale = Scale::linear(top, height, greatest);
        self.grid(canvas, &scale);
        let floor = vec![0.0; self.bins.count()];
        for (index, (name, look, _)) in layers.iter().enumerate() {
            let under = if index == 0 { &floor } else { &tops[index - 1] };
            self.layer(canvas, &scale, (name, look), under, &tops[index]);
        }
    }

    fn layer(&self, canvas: &mut Canvas, scale: &Scale, (name, look): (&str, &str), under: &[f64], over: &[f64]) {
        let there = self.points(over, scale);
        let mut back = self.points(under, scale);
        back.reverse();
        let data = canvas::joined(there.into_iter().chain(back)) + "Z";
        let svg = canvas.shapes();
        svg.open("g", &[]).element("title", &[], name);
        canvas::path(svg, &format!("area {look}"), &data);
        self.textured(svg, look, &[("d", &data)], "path");
        svg.close("g").line();
    }

    /// The same shape once more, in the texture of its look.
    fn textured(
        &self,
        svg: &mut Markup,
        look: &str,
        shape: &[crate::report::markup::Attribute<'_>],
        name: &'static str,
    ) {
        if look != "r0" {
            let fill = format!("url(#{}-{look})", self.frame.id);
            svg.leaf(name, &[&[("fill", &fill as &dyn std::fmt::Display)], shape].concat());
        }
    }

    /// A point in the middle of each bin, and the edges of the first and the last.
    fn points(&self, figures: &[f64], scale: &Scale) -> Vec<(f64, f64)> {
        let last = self.bins.count().saturating_sub(1);
        let at = |us: f64, bin: usize| (self.axis.x_of(us), scale.y(figures.get(bin).copied().unwrap_or(0.0)));
        let middles = (0..self.bins.count()).map(|bin| at(self.bins.middle_us(bin), bin));
        let first = [at(self.bins.span_us(0).0, 0)];
        first.into_iter().chain(middles).chain([at(self.bins.span_us(last).1, last)]).collect()
    }

    /// Which look is which region: beside the plot in the order of the stack, or in lines above it.
    fn key(&self, canvas: &mut Canvas, layers: &[(&String, &String, Vec<f64>)]) {
        let room = self.frame.right - 28.0;
        let (mut x, mut y) = if self.frame.words { (self.axis.end() + 12.0, canvas.y()) } else { (2.0, canvas.y()) };
        for (name, look, _) in layers.iter().rev() {
            let name = fitted_name(name, look, if self.frame.words { room } else { self.frame.width - 24.0 });
            let width = canvas::width_of(&name) + 26.0;
            if !self.frame.words && x > 2.0 && x + width > self.frame.width {
                (x, y) = (2.0, y + 17.0);
            }
            let svg = canvas.shapes();
            canvas::rect(svg, &format!("area {look}"), x, y, 12.0, 12.0);
            let (px, py) = (canvas::Px(x), canvas::Px(y));
            self.textured(svg, look, &[("x", &px), ("y", &py), ("width", &12), ("height", &12)], "rect");
            canvas.text("word", x + 17.0, y + 10.5, &name);
            if self.frame.words { y += 18.0 } else { x += width }
        }
        if !self.frame.words {
            canvas.skip(y + 21.0 - canvas.y());
        }
    }

    fn grid(&self, canvas: &mut Canvas, scale: &Scale) {
        for (y, told) in scale.ticks() {
            canvas::line(canvas.shapes(), "grid", (self.axis.start(), y), (self.axis.end(), y));
            canvas.text("soft end", self.axis.start() - 6.0, y + 4.0, told);
        }
    }

    fn errors(&self, canvas: &mut Canvas, errors: &Series) {
        let rates = self.bins.rates(errors);
        let all: f64 = errors.iter().filter(|figure| figure.is_finite()).sum();
        let told = if all > 0.0 { format!("{} in all", words::number(all)) } else { "none".to_owned() };
        canvas.heading(self.frame, &format!("Submits in error a second: {told}"));
        let top = canvas.plot(40.0);
        let scale = Scale::linear(top, 40.0, rates.iter().copied().fold(0.0, f64::max));
        self.grid(canvas, &scale);
        for (bin, rate) in rates.iter().enumerate().filter(|(_, rate)| **rate > 0.0) {
            let (from, to) = self.bins.span_us(bin);
            let (from, to, y) = (self.axis.x_of(from), self.axis.x_of(to), scale.y(*rate));
            canvas::rect(canvas.shapes(), "error", from, y, (to - from).max(1.0), top + 40.0 - y);
        }
    }

    fn p99(&self, canvas: &mut Canvas, series: &[Option<f64>]) {
        let figures = self.bins.worst(series);
        let worst = figures.iter().flatten().copied().reduce(f64::max);
        let told =
            worst.map_or_else(|| "none was leased".to_owned(), |worst| format!("worst {}", words::milliseconds(worst)));
        canvas.heading(self.frame, &format!("p99 submit to leased, ms, log scale: {told}"));
        let top = canvas.plot(84.0);
        let scale = Scale::log(top, 84.0, figures.iter().flatten().copied());
        self.grid(canvas, &scale);
        for run in runs(&figures) {
            let points: Vec<(f64, f64)> =
                run.iter().map(|(bin, figure)| (self.axis.x_of(self.bins.middle_us(*bin)), scale.y(*figure))).collect();
            // One point alone makes no line: a round cap shows it.
            let data = canvas::joined(points.iter().copied()) + if points.len() == 1 { "h0" } else { "" };
            canvas::path(canvas.shapes(), "p99", &data);
        }
    }
}

fn fitted_name(name: &str, look: &str, room: f64) -> String {
    let after = if look == "lost" { " (victim)" } else { "" };
    canvas::fitted(name, room - canvas::width_of(after)) + after
}

/// Sums from the bottom up, layer by layer.
fn stacked<'a>(layers: impl Iterator<Item = &'a [f64]>, count: usize) -> Vec<Vec<f64>> {
    let mut sum = vec![0.0; count];
    layers
        .map(|layer| {
            sum.iter_mut().zip(layer).for_each(|(sum, figure)| *sum += figure);
            sum.clone()
        })
        .collect()
}

/// Stretches without a gap.
fn runs(figures: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut open = false;
    for (bin, figure) in figures.iter().enumerate() {
        match (figure, open) {
            (Some(figure), true) => runs.last_mut().expect("a run is open").push((bin, *figure)),
            (Some(figure), false) => runs.push(vec![(bin, *figure)]),
            (None, _) => {}
        }
        open = figure.is_some();
    }
    runs
}
