//! Who runs the server: this user, or when this is root, another one.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Gid, Uid, User};

use super::Error;

/// The user that the server's processes and files belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// This process's own.
    Me,
    /// Another, for we are root.
    Other { uid: u32, gid: u32 },
}

impl Owner {
    /// Who owns `data` when it is there, else who shall.
    pub(super) fn choose(data: &Path) -> Result<Self, Error> {
        if !Uid::effective().is_root() {
            return Ok(Self::Me);
        }
        if let Ok(found) = data.metadata()
            && found.uid() != 0
        {
            return Ok(Self::Other { uid: found.uid(), gid: found.gid() });
        }
        let wished = std::env::var("MERIDIAN_DATABASE_USER").ok();
        let names = wished.as_deref().map_or_else(|| vec!["postgres", "nobody"], |name| vec![name]);
        let user = names.into_iter().filter_map(|name| User::from_name(name).ok().flatten()).find(|u| !u.uid.is_root());
        user.map(|user| Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw() }).ok_or(Error::NoUser)
    }

    /// Makes `path` belong to it.
    pub(super) fn give(self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Me => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)).map_err(Error::io("give away", path)),
        }
    }

    /// Whether it may enter a folder with these permissions.
    pub(super) fn may_enter(self, mode: u32, uid: u32, gid: u32) -> bool {
        match self {
            Self::Me => true,
            Self::Other { uid: own, .. } if own == uid => mode & 0o100 != 0,
            Self::Other { gid: own, .. } if own == gid => mode & 0o010 != 0,
            Self::Other { .. } => mode & 0o001 != 0,
        }
    }

    /// A command run as this user, with an environment that no setting of ours can upset. Being root, the standard
    /// library also drops the extra groups.
    pub(super) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin").env("TZ", "UTC").current_dir(folder);
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// Whether this process is root.
pub(super) fn is_root() -> bool {
    Uid::effective().is_root() && Gid::effective().as_raw() == 0
}
