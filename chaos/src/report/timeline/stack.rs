//! Figures by region, stacked.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::Frame;
use super::canvas::{self, Canvas, Px};
use super::panels::Plots;
use super::scale::Scale;
use crate::journal::{Journal, Series};
use crate::report::markup::{Attribute, Markup};

/// Regions that look different; more than that look alike again, and their order tells them apart.
const LOOKS: usize = 5;

/// The victim's look.
const VICTIM: &str = "victim";

/// Regions from the bottom of a stack to its top, each with its look.
pub(super) struct Regions(Vec<(String, String)>);

impl Regions {
    /// The victim is on top: where it leaves, the others are seen to grow into its place.
    pub(super) fn of(journal: &Journal) -> Self {
        let victim = journal.victim.as_ref().map(|victim| &victim.region);
        let timeline = &journal.timeline;
        let mut names: Vec<&String> = journal.world.regions.iter().collect();
        for name in timeline.throughput.keys().chain(timeline.leases.keys()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let (lost, kept): (Vec<&String>, Vec<&String>) = names.into_iter().partition(|name| Some(*name) == victim);
        let kept = kept.into_iter().enumerate().map(|(index, name)| (name.clone(), format!("r{}", index % LOOKS)));
        Self(kept.chain(lost.into_iter().map(|name| (name.clone(), VICTIM.to_owned()))).collect())
    }
}

/// Textures over the colours of regions and states.
pub(super) fn textures(svg: &mut Markup, frame: &Frame) {
    svg.raw("<defs>");
    for (name, path) in [
        ("r1", "M0 8L8 0"),
        ("r2", "M0 4h8"),
        ("r3", "M4 0v8"),
        ("r4", "M0 0l8 8"),
        (VICTIM, "M0 8L8 0M0 0l8 8"),
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

/// A region's part of a stack.
struct Layer<'a> {
    region: &'a str,
    look: &'a str,
    figures: Vec<f64>,
}

impl Plots<'_> {
    /// A plot of the figures of all regions that have any.
    pub(super) fn stack(
        &self,
        canvas: &mut Canvas,
        heading: &[&str],
        regions: &Regions,
        series: &BTreeMap<String, Series>,
        figures: impl Fn(&Series) -> Vec<f64>,
    ) {
        canvas.heading(self.frame, heading);
        let layers = regions.0.iter().filter_map(|(region, look)| {
            let figures = figures(series.get(region)?);
            Some(Layer { region, look, figures })
        });
        let layers: Vec<Layer<'_>> = layers.collect();
        self.key(canvas, &layers);
        let edges = edges(&layers, self.bins.count());
        let greatest = edges.last().into_iter().flatten().copied().fold(0.0, f64::max);
        let height = if self.frame.words { 140.0 } else { 120.0 };
        let top = canvas.plot(height);
        let scale = Scale::linear(top, height, greatest);
        self.grid(canvas, &scale);
        for (layer, edges) in layers.iter().zip(edges.windows(2)) {
            self.layer(canvas, &scale, layer, &edges[0], &edges[1]);
        }
    }

    fn layer(&self, canvas: &mut Canvas, scale: &Scale, layer: &Layer<'_>, under: &[f64], over: &[f64]) {
        let back = self.points(under, scale).into_iter().rev();
        let data = canvas::joined(self.points(over, scale).into_iter().chain(back)) + "Z";
        let svg = canvas.shapes();
        svg.open("g", &[]).element("title", &[], layer.region);
        self.filled(svg, layer.look, "path", &[("d", &data)]);
        svg.close("g").line();
    }

    /// A shape in the colour of a look, and once more in its texture.
    fn filled(&self, svg: &mut Markup, look: &str, name: &'static str, shape: &[Attribute<'_>]) {
        let class = format!("area {look}");
        svg.leaf(name, &[&[("class", &class as &dyn Display)], shape].concat());
        let fill = format!("url(#{}-{look})", self.frame.id);
        if look != "r0" {
            svg.leaf(name, &[&[("fill", &fill as &dyn Display)], shape].concat());
        }
    }

    /// A point in the middle of each bin, and the edges of the first and the last.
    fn points(&self, figures: &[f64], scale: &Scale) -> Vec<(f64, f64)> {
        let last = self.bins.count().saturating_sub(1);
        let at = |us: f64, bin: usize| (self.axis.x_of(us), scale.y(figures[bin]));
        let middles = (0..self.bins.count()).map(|bin| at(self.bins.middle_us(bin), bin));
        let (first, end) = (at(self.bins.span_us(0).0, 0), at(self.bins.span_us(last).1, last));
        std::iter::once(first).chain(middles).chain([end]).collect()
    }

    /// Which look is which region: beside the plot in the order of the stack, or in lines above it.
    fn key(&self, canvas: &mut Canvas, layers: &[Layer<'_>]) {
        let beside = self.frame.words;
        let left = if beside { self.axis.end() + 14.0 } else { 2.0 };
        let (mut x, mut y) = (left, canvas.y());
        for layer in layers.iter().rev() {
            let name = told(layer, beside, self.frame.width - left - 18.0);
            let width = canvas::width_of(&name) + 26.0;
            if !beside && x > left && x + width > self.frame.width {
                (x, y) = (left, y + 17.0);
            }
            let square: [Attribute<'_>; 4] = [("x", &Px(x)), ("y", &Px(y)), ("width", &12), ("height", &12)];
            self.filled(canvas.shapes(), layer.look, "rect", &square);
            canvas.text("word", x + 17.0, y + 10.5, &name);
            if beside && layer.look == VICTIM {
                canvas.text("soft", x + 17.0, y + 25.5, "the victim");
                y += 15.0;
            }
            if beside { y += 18.0 } else { x += width }
        }
        if !beside {
            canvas.skip(y + 24.0 - canvas.y());
        }
    }
}

/// A region's name in the key; that it is the victim stands below it where the key is beside the plot.
fn told(layer: &Layer<'_>, beside: bool, room: f64) -> String {
    let after = if layer.look == VICTIM && !beside { " (victim)" } else { "" };
    canvas::fitted(layer.region, room - canvas::width_of(after)) + after
}

/// Where the layers meet, from the floor up: one line more than there are layers.
fn edges(layers: &[Layer<'_>], count: usize) -> Vec<Vec<f64>> {
    let mut edges = vec![vec![0.0; count]];
    for layer in layers {
        let under = edges.last().expect("there is a floor");
        edges.push(under.iter().zip(&layer.figures).map(|(under, figure)| under + figure).collect());
    }
    edges
}
