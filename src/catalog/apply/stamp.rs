//! When a record was made and when it last changed.

use crate::catalog::write::AuthorityState;
use crate::model::{Check, Entry, Index, KvPair, Leaf, Node, Root, Service, VirtualIp};

pub(super) trait Stamped: PartialEq {
    fn stamp(&self) -> (Index, Index);
    fn set_stamp(&mut self, create: Index, modify: Index);
}

macro_rules! stamped {
    ($($record:ty),*) => {$(
        impl Stamped for $record {
            fn stamp(&self) -> (Index, Index) {
                (self.create_index, self.modify_index)
            }

            fn set_stamp(&mut self, create: Index, modify: Index) {
                self.create_index = create;
                self.modify_index = modify;
            }
        }
    )*};
}

stamped!(AuthorityState, Node, Service, Check, Entry, KvPair, Leaf, Root, VirtualIp);

/// Gives the new record its indexes; false if it says nothing new.
pub(super) fn stamp<T: Stamped>(new: &mut T, old: Option<&T>, index: Index) -> bool {
    let Some(old) = old else {
        new.set_stamp(index, index);
        return true;
    };
    let (created, modified) = old.stamp();
    new.set_stamp(created, modified);
    if new == old {
        return false;
    }
    new.set_stamp(created, index);
    true
}
