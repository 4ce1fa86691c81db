//! What the world notes of itself, kept up to date while it runs.

use std::io;

use scheduler_client::local::{Process, Revival, World};

use super::crew::Crew;
use super::folder::{Folder, here};

/// The note of this process's world. It goes with the value.
#[derive(Debug)]
pub(super) struct Note {
    folder: Folder,
    world: World,
}

impl Note {
    /// Notes that this process keeps a world, of which nothing runs yet.
    pub(super) fn begin(folder: &Folder) -> io::Result<Self> {
        let world =
            World { keeper: here(), address: None, summary: None, regions: Vec::new(), database: None, revival: None };
        world.write(folder.root())?;
        Ok(Self { folder: folder.clone(), world })
    }

    /// Where it is.
    pub(super) const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Notes the database server that this world started.
    pub(super) fn database(&mut self, server: Option<i32>) -> io::Result<()> {
        self.change(|world| world.database = server.map(Process::of))
    }

    /// Notes which processes run.
    pub(super) fn processes(&mut self, crew: &mut Crew) -> io::Result<()> {
        self.change(|world| world.regions = crew.regions())
    }

    /// Notes that the world is up.
    pub(super) fn up(&mut self, address: Option<String>, summary: String) -> io::Result<()> {
        self.change(|world| {
            (world.address, world.summary) = (address, Some(summary));
            world.revival = Some(Revival::default());
        })
    }

    /// Notes what came of a wish to start again what fell.
    pub(super) fn revived(&mut self, started: Vec<String>, failed: Option<String>) -> io::Result<()> {
        self.change(|world| {
            let number = world.revival.take().unwrap_or_default().number + 1;
            world.revival = Some(Revival { number, started, failed });
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut World)) -> io::Result<()> {
        let before = self.world.clone();
        change(&mut self.world);
        if self.world == before { Ok(()) } else { self.world.write(self.folder.root()) }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        self.folder.clear();
    }
}
