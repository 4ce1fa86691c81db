use super::{Error, World};

pub(super) fn read(_world: &str, _knowledge: Option<&str>) -> Result<World, Error> {
    todo!()
}
