//! `xds { … }`: how clients are served. The keys are our own, beside Consul's one, which has no effect.

use std::time::Duration;

use chancery::wire::{DecodeError, Fields};

use crate::xds_settings::XdsSettings;

/// Those that were given.
#[derive(Clone, Copy, Default)]
pub(super) struct XdsKeys {
    new_streams_per_second: Option<u32>,
    max_stream_age: Option<Duration>,
    read_patience: Option<Duration>,
    max_request_bytes: Option<usize>,
    load_report_interval: Option<Duration>,
    keepalive_interval: Option<Duration>,
    keepalive_timeout: Option<Duration>,
}

impl XdsKeys {
    pub(super) fn read(fields: &mut Fields<'_>, problem: &mut dyn FnMut(DecodeError)) -> Self {
        Self {
            new_streams_per_second: whole(fields, "new_streams_per_second", 1_000_000, problem),
            max_stream_age: duration(fields, "max_stream_age", problem),
            read_patience: duration(fields, "read_patience", problem),
            max_request_bytes: whole(fields, "max_request_bytes", 1 << 30, problem),
            load_report_interval: duration(fields, "load_report_interval", problem),
            keepalive_interval: duration(fields, "keepalive_interval", problem),
            keepalive_timeout: duration(fields, "keepalive_timeout", problem),
        }
    }

    /// These win over earlier ones.
    pub(super) fn over(self, earlier: Self) -> Self {
        Self {
            new_streams_per_second: self.new_streams_per_second.or(earlier.new_streams_per_second),
            max_stream_age: self.max_stream_age.or(earlier.max_stream_age),
            read_patience: self.read_patience.or(earlier.read_patience),
            max_request_bytes: self.max_request_bytes.or(earlier.max_request_bytes),
            load_report_interval: self.load_report_interval.or(earlier.load_report_interval),
            keepalive_interval: self.keepalive_interval.or(earlier.keepalive_interval),
            keepalive_timeout: self.keepalive_timeout.or(earlier.keepalive_timeout),
        }
    }

    pub(super) fn resolve(self) -> XdsSettings {
        let default = XdsSettings::default();
        XdsSettings {
            new_streams_per_second: self.new_streams_per_second.unwrap_or(default.new_streams_per_second),
            max_stream_age: self.max_stream_age.or(default.max_stream_age),
            read_patience: self.read_patience.unwrap_or(default.read_patience),
            max_request_bytes: self.max_request_bytes.unwrap_or(default.max_request_bytes),
            load_report_interval: self.load_report_interval.unwrap_or(default.load_report_interval),
            keepalive_interval: self.keepalive_interval.unwrap_or(default.keepalive_interval),
            keepalive_timeout: self.keepalive_timeout.unwrap_or(default.keepalive_timeout),
        }
    }
}

/// From 1 up.
fn whole<T: TryFrom<i64>>(
    fields: &mut Fields<'_>,
    key: &'static str,
    most: i64,
    problem: &mut dyn FnMut(DecodeError),
) -> Option<T> {
    let number = fields.whole(key, 1..=most).unwrap_or_else(|error| {
        problem(error);
        None
    });
    number.and_then(|number| T::try_from(number).ok())
}

/// At least a second; zero or empty counts as absent.
fn duration(fields: &mut Fields<'_>, key: &'static str, problem: &mut dyn FnMut(DecodeError)) -> Option<Duration> {
    match fields.duration(key) {
        Ok(Duration::ZERO) => None,
        Ok(duration) if duration >= Duration::from_secs(1) => Some(duration),
        Ok(_) => {
            problem(fields.error(key, "expected a duration of at least 1s"));
            None
        }
        Err(error) => {
            problem(error);
            None
        }
    }
}
