//! The block `database`, and which database region homes the rows of which region.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::keys;
use super::region::{WrittenRegion, cloud_region_hint};
use super::residency::named_region;
use crate::catalogue::{Access, Catalogue, CatalogueRegion, Partition};
use crate::geo::Position;
use crate::ids::{DatabaseRegion, RegionName};
use crate::model::{Database, Provider, Survive};
use crate::yaml::{At, Code, Entry, Node, Reader, Span, shortened};

/// Database regions that `survive: region` needs: a majority must be left when one is lost.
const SURVIVE_REGION: usize = 3;

const CLOCK_OFFSET: Duration = Duration::from_millis(250);
const CLOCK_OFFSETS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(10);

/// What runs the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cloud {
    Provider(Provider),
    /// Own machines: a database region is any locality label.
    Own,
}

/// The block as it is written. What could not be read is absent, and was reported.
#[derive(Debug)]
pub(super) struct WrittenDatabase {
    /// The block's place, or the beginning of the file.
    pub(super) span: Span,
    pub(super) cloud: Option<Cloud>,
    pub(super) primary_region: Option<At<DatabaseRegion>>,
    pub(super) survive: Option<At<Survive>>,
    pub(super) restricted: Option<At<bool>>,
    pub(super) regions: BTreeMap<RegionName, At<DatabaseRegion>>,
    pub(super) max_clock_offset: At<Duration>,
}

/// Reads the block. Without one the cluster is thought in the cloud of the first region.
pub(super) fn read(reader: &mut Reader, node: Option<&Node>, regions: &[WrittenRegion]) -> WrittenDatabase {
    let span = node.map_or(Span::default(), |node| node.span);
    let cloud = regions.iter().find_map(|region| region.provider).map(Cloud::Provider);
    let mut database = WrittenDatabase {
        span,
        cloud,
        primary_region: None,
        survive: None,
        restricted: None,
        regions: BTreeMap::new(),
        max_clock_offset: At { value: CLOCK_OFFSET, span },
    };
    let Some(fields) = node.and_then(|node| reader.fields(node, "database", keys::DATABASE)) else { return database };
    if let Some(node) = fields.get("cloud") {
        database.cloud = read_cloud(reader, node);
    }
    let cloud = database.cloud;
    database.primary_region = fields.get("primary_region").and_then(|node| database_region(reader, node, cloud));
    database.survive =
        fields.get("survive").and_then(|node| reader.choice(node, "survive", Survive::ALL, Survive::as_str));
    let placement = |restricted| if restricted { "restricted" } else { "default" };
    database.restricted =
        fields.get("placement").and_then(|node| reader.choice(node, "placement", &[false, true], placement));
    if let Some(node) = fields.get("regions") {
        let known: BTreeSet<RegionName> = super::names(regions);
        let entries = reader.entries(node, "database.regions").unwrap_or_default();
        database.regions = entries.iter().filter_map(|entry| mapping(reader, entry, &known, cloud)).collect();
    }
    if let Some(offset) = fields.get("max_clock_offset") {
        let read = reader.duration(offset, "max_clock_offset", CLOCK_OFFSETS);
        database.max_clock_offset = read.unwrap_or(database.max_clock_offset);
    }
    database
}

fn read_cloud(reader: &mut Reader, node: &Node) -> Option<Cloud> {
    let text = reader.text(node, "the database's cloud")?;
    if text.eq_ignore_ascii_case("self") {
        return Some(Cloud::Own);
    }
    super::region::provider(reader, node, "the database's cloud").map(Cloud::Provider)
}

fn mapping(
    reader: &mut Reader,
    entry: &Entry,
    known: &BTreeSet<RegionName>,
    cloud: Option<Cloud>,
) -> Option<(RegionName, At<DatabaseRegion>)> {
    let name = named_region(reader, &entry.key, entry.key_span, known);
    let home = database_region(reader, &entry.value, cloud);
    Some((name?.value, home?))
}

/// A database region that the cluster's cloud has.
fn database_region(reader: &mut Reader, node: &Node, cloud: Option<Cloud>) -> Option<At<DatabaseRegion>> {
    let text = reader.text(node, "the database region")?;
    let Some(Cloud::Provider(provider)) = cloud else {
        return reader.name(node, "the database region");
    };
    match Catalogue::built_in().find(provider, text) {
        Some(found) => reader.name_in(&found.name, node.span, "the database region"),
        None => {
            let message = format!("the database runs in {provider}, which has no region `{}`", shortened(text));
            let hint = cloud_region_hint(reader, text, provider);
            reader.error(Code::UNKNOWN_DATABASE_REGION, node.span, message, hint);
            None
        }
    }
}

/// Which database region homes the rows of each region, in the order of the regions; none where that cannot be said.
pub(super) struct Homes {
    pub(super) of: Vec<Option<DatabaseRegion>>,
}

impl WrittenDatabase {
    /// Chooses the home of every region: what is named; its own, where the cluster's cloud has it; else the nearest in
    /// its own jurisdiction, first among those that are used anyway; else the nearest that is used.
    pub(super) fn homes(&self, regions: &[WrittenRegion]) -> Homes {
        let used = self.used(regions);
        let of = regions.iter().map(|region| self.home(region, &used)).collect();
        Homes { of }
    }

    fn home(&self, region: &WrittenRegion, used: &[&'static CatalogueRegion]) -> Option<DatabaseRegion> {
        let named = region.name.as_ref().and_then(|name| self.regions.get(&name.value));
        if let Some(named) = named {
            return Some(named.value.clone());
        }
        let cloud = region.cloud?;
        if self.has(cloud) {
            return cloud.name.parse().ok();
        }
        let Cloud::Provider(provider) = self.cloud? else { return None };
        let open = |other: &CatalogueRegion| {
            other.provider == provider && other.partition == Partition::Standard && other.access == Access::Open
        };
        let lawful = |other: &CatalogueRegion| other.jurisdiction == cloud.jurisdiction;
        let near = |all: &[&'static CatalogueRegion]| nearest_of(cloud.position, all);
        let used_lawful: Vec<_> = used.iter().copied().filter(|other| lawful(other)).collect();
        let home = near(&used_lawful)
            .or_else(|| Catalogue::built_in().nearest_to(cloud.position, |other| open(other) && lawful(other)))
            .or_else(|| near(used))
            .or_else(|| Catalogue::built_in().nearest_to(cloud.position, open));
        home.and_then(|home| home.name.parse().ok())
    }

    /// Whether the cluster's cloud has this very region.
    fn has(&self, region: &CatalogueRegion) -> bool {
        match self.cloud {
            Some(Cloud::Provider(provider)) => provider == region.provider,
            Some(Cloud::Own) => true,
            None => false,
        }
    }

    /// Database regions that the file names, and those of regions that are their own home.
    fn used(&self, regions: &[WrittenRegion]) -> Vec<&'static CatalogueRegion> {
        let Some(Cloud::Provider(provider)) = self.cloud else { return Vec::new() };
        let named = self.regions.values().chain(&self.primary_region);
        let mut used: Vec<_> = named.filter_map(|at| crate::catalogue::find(provider, at.value.as_str())).collect();
        used.extend(regions.iter().filter_map(|region| region.cloud).filter(|cloud| cloud.provider == provider));
        used.sort_by(|a, b| a.name.cmp(&b.name));
        used.dedup_by(|a, b| a.name == b.name);
        used
    }

    /// The law that holds in a database region; none for a label that says nothing about its place.
    pub(super) fn jurisdiction(&self, home: &DatabaseRegion, regions: &[WrittenRegion]) -> Option<&'static str> {
        match self.cloud? {
            Cloud::Provider(provider) => crate::catalogue::find(provider, home.as_str()),
            Cloud::Own => regions.iter().filter_map(|region| region.cloud).find(|cloud| cloud.name == home.as_str()),
        }
        .map(|found| found.jurisdiction.as_str())
    }

    /// Checks what the database survives and gives the finished block; none where the homes are not known.
    pub(super) fn finish(&self, reader: &mut Reader, homes: &Homes) -> Option<Database> {
        let first = homes.of.iter().flatten().next()?.clone();
        let primary_region = self.primary_region.as_ref().map_or(first, |at| at.value.clone());
        let mut regions: BTreeSet<DatabaseRegion> = homes.of.iter().flatten().cloned().collect();
        regions.insert(primary_region.clone());
        let restricted = self.restricted.is_some_and(|at| at.value);
        // A region whose home is not known may have one of its own, once its own mistake is mended.
        let unknown = homes.of.iter().filter(|home| home.is_none()).count();
        let survive = self.survival(reader, regions.len() + unknown, restricted);
        if let Some(at) = self.restricted.filter(|at| at.value && survive == Survive::Region) {
            let hint = "write survive: zone, or leave placement out";
            reader.error(Code::CONFLICT, at.span, "placement: restricted and survive: region exclude each other", hint);
        }
        let cloud = match self.cloud? {
            Cloud::Provider(provider) => Some(provider),
            Cloud::Own => None,
        };
        let regions = regions.into_iter().collect();
        let max_clock_offset = self.max_clock_offset.value;
        Some(Database { cloud, primary_region, survive, regions, placement_restricted: restricted, max_clock_offset })
    }

    fn survival(&self, reader: &mut Reader, regions: usize, restricted: bool) -> Survive {
        match self.survive {
            Some(At { value: Survive::Region, span }) => {
                if regions < SURVIVE_REGION {
                    let message = format!("survive: region needs three database regions, this file gives {regions}");
                    let hint = "add regions, map some to other database regions, or write survive: zone";
                    reader.error(Code::TOO_FEW_DATABASE_REGIONS, span, message, hint);
                }
                Survive::Region
            }
            Some(At { value: Survive::Zone, .. }) => Survive::Zone,
            None if restricted => Survive::Zone,
            None if regions < SURVIVE_REGION => {
                let message = format!(
                    "with {regions} database region{} the database survives a zone, not a region: \
                     a lost region's missions wait",
                    if regions == 1 { "" } else { "s" }
                );
                let hint = "three database regions survive the loss of one; survive: zone says that this is meant";
                reader.warn(Code::WEAK, self.span, message, hint);
                Survive::Zone
            }
            None => Survive::Region,
        }
    }
}

fn nearest_of(place: Position, all: &[&'static CatalogueRegion]) -> Option<&'static CatalogueRegion> {
    all.iter().copied().min_by(|a, b| place.distance_km(a.position).total_cmp(&place.distance_km(b.position)))
}
