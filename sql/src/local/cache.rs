//! The folder of this user that holds the server's programs and data.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::Error;
use super::user::{Owner, is_root};

/// Finds or makes the folder: `MERIDIAN_CACHE`, else the user's cache folder, else one under /var/tmp. As root it is
/// /var/cache/meridian, for root's home can be entered by nobody else.
pub(super) fn folder() -> Result<PathBuf, Error> {
    let owner = Owner::choose(Path::new("/nonexistent"))?;
    let mut tried = Vec::new();
    for candidate in candidates() {
        if usable(&candidate, owner) {
            return Ok(candidate);
        }
        tried.push(candidate.display().to_string());
    }
    Err(Error::NoFolder(tried.join(", ")))
}

fn candidates() -> Vec<PathBuf> {
    if let Some(named) = absolute("MERIDIAN_CACHE") {
        return vec![named];
    }
    let shared = PathBuf::from(format!("/var/tmp/meridian-{}", Uid::effective()));
    if is_root() {
        return vec![PathBuf::from("/var/cache/meridian"), shared];
    }
    let home = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    home.map(|home| home.join("meridian")).into_iter().chain([shared]).collect()
}

fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Makes the folder and looks whether it is ours and the database's user gets there.
fn usable(folder: &Path, owner: Owner) -> bool {
    let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(folder);
    let Ok(found) = made.and_then(|()| folder.metadata()) else { return false };
    // Under /var/tmp somebody else may have made it first.
    let ours = found.uid() == Uid::effective().as_raw() && found.mode() & 0o022 == 0;
    let enterable =
        |path: &Path| path.metadata().is_ok_and(|found| owner.may_enter(found.mode(), found.uid(), found.gid()));
    ours && folder.canonicalize().is_ok_and(|real| real.ancestors().all(enterable))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_that_the_servers_user_cannot_enter_is_not_used() {
        let parent = tempfile::tempdir().unwrap();
        let inside = parent.path().join("inside");
        let other = Owner::Other { uid: 65_533, gid: 65_533 };
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(usable(&inside, other));
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!usable(&inside, other));
        assert!(usable(&inside, Owner::Me));
    }

    #[test]
    fn a_folder_that_others_may_write_is_not_used() {
        let parent = tempfile::tempdir().unwrap();
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!usable(parent.path(), Owner::Me));
    }
}
