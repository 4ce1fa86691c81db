//! Where the program notes which drills are going on.

use std::path::PathBuf;

use chaos::registry::Registry;

/// The state folder.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct State {
    /// Folder of the notes on running drills
    #[arg(long = "state", env = "MERIDIAN_CHAOS_STATE", value_name = "FOLDER", hide = true)]
    folder: Option<PathBuf>,
}

impl State {
    /// The registry in it.
    pub(super) fn registry(&self) -> Registry {
        Registry::new(self.folder.as_deref())
    }
}
