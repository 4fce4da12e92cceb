//! What files define: services, checks, and the first config entries.

use chancery::catalog::Registration;
use chancery::model::{Check, Entry, NodeName};
use chancery::wire::{DecodeError, Fields, Typing, entry, registration};

use super::files::File;
use super::problem::Problem;

#[derive(Default)]
pub(super) struct Definitions {
    pub(super) services: Vec<Registration>,
    pub(super) checks: Vec<Check>,
    pub(super) entries: Vec<Entry>,
}

impl Definitions {
    pub(super) fn add(&mut self, file: &File, node: &NodeName, problems: &mut Vec<Problem>) {
        let mut found = Vec::new();
        // an object, or the settings would have said so
        if let Ok(mut fields) = Fields::new(&file.document.value, "the configuration", Typing::Weak) {
            for key in ["service", "services"] {
                let read = |fields| registration::service_fields(fields, node);
                collect(fields.objects(key, "a service"), read, &mut self.services, &mut found);
            }
            for key in ["check", "checks"] {
                let read = |fields| registration::check_fields(fields, node);
                collect(fields.objects(key, "a check"), read, &mut self.checks, &mut found);
            }
            match fields.object("config_entries", "config_entries") {
                Ok(Some(mut entries)) => {
                    let list = entries.objects("bootstrap", "a config entry");
                    collect(list, entry::fields, &mut self.entries, &mut found);
                }
                Ok(None) => {}
                Err(error) => found.push(error),
            }
        }
        problems.extend(found.into_iter().map(|error| Problem::of_key(file, error)));
    }
}

fn collect<'a, T>(
    list: Result<Option<Vec<Fields<'a>>>, DecodeError>,
    read: impl Fn(Fields<'a>) -> Result<T, DecodeError>,
    into: &mut Vec<T>,
    problems: &mut Vec<DecodeError>,
) {
    match list {
        Ok(list) => {
            for item in list.into_iter().flatten() {
                match read(item) {
                    Ok(item) => into.push(item),
                    Err(error) => problems.push(error),
                }
            }
        }
        Err(error) => problems.push(error),
    }
}
