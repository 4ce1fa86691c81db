use super::{Idea, IdeaMission, World};

pub(super) fn mission(_world: &World, _idea: &Idea, _known: &[&str]) -> Option<IdeaMission> {
    todo!()
}
