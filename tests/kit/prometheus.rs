//! Reading the text that Prometheus scrapes.

/// One sample: its name, its labels as they stand between the braces, its value.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    pub name: String,
    pub labels: String,
    pub value: f64,
}

/// All samples of an exposition; what is not one is left out.
pub fn samples(text: &str) -> Vec<Sample> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let (head, value) = line.rsplit_once(' ')?;
    let (name, labels) = head.split_once('{').unwrap_or((head, "}"));
    Some(Sample { name: name.to_owned(), labels: labels.trim_end_matches('}').to_owned(), value: value.parse().ok()? })
}

/// The sum over all samples of that name whose labels contain `label` (empty: all).
pub fn sum(samples: &[Sample], name: &str, label: &str) -> f64 {
    samples
        .iter()
        .filter(|sample| sample.name == name && sample.labels.contains(label))
        .map(|sample| sample.value)
        .sum()
}

/// A histogram's quantile as Prometheus estimates it: by a straight line through its bucket. In the unit of the
/// buckets; `None` when it is empty, or beyond the last bound.
pub fn quantile(samples: &[Sample], name: &str, label: &str, quantile: f64) -> Option<f64> {
    let mut buckets: Vec<(f64, f64)> = samples
        .iter()
        .filter(|sample| sample.name == format!("{name}_bucket") && sample.labels.contains(label))
        .filter_map(|sample| Some((bound(&sample.labels)?, sample.value)))
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wanted = buckets.last()?.1 * quantile;
    let at = buckets.iter().position(|(_, count)| *count > 0.0 && *count >= wanted)?;
    let (upper, count) = buckets[at];
    let (lower, below) = at.checked_sub(1).map_or((0.0, 0.0), |before| buckets[before]);
    upper.is_finite().then(|| lower + (upper - lower) * (wanted - below) / (count - below))
}

fn bound(labels: &str) -> Option<f64> {
    let (_, rest) = labels.split_once("le=\"")?;
    rest.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP chancery_ripple_seconds from a write's receipt
chancery_services 3
chancery_ripple_seconds_bucket{stage=\"ack\",le=\"0.001\"} 1
chancery_ripple_seconds_bucket{stage=\"ack\",le=\"0.0025\"} 9
chancery_ripple_seconds_bucket{stage=\"ack\",le=\"+Inf\"} 10
chancery_xds_acks_total{type=\"cluster\"} 2
chancery_xds_acks_total{type=\"listener\"} 5
";

    #[test]
    fn samples_are_summed_by_label() {
        let samples = samples(TEXT);
        assert_eq!(sum(&samples, "chancery_services", ""), 3.0);
        assert_eq!(sum(&samples, "chancery_xds_acks_total", ""), 7.0);
        assert_eq!(sum(&samples, "chancery_xds_acks_total", "type=\"listener\""), 5.0);
    }

    #[test]
    fn a_quantile_lies_inside_its_bucket() {
        let samples = samples(TEXT);
        // the fifth of ten: of the eight in the second bucket, the fourth
        assert_eq!(quantile(&samples, "chancery_ripple_seconds", "stage=\"ack\"", 0.5), Some(0.00175));
        assert_eq!(quantile(&samples, "chancery_ripple_seconds", "stage=\"ack\"", 0.99), None);
        assert_eq!(quantile(&samples, "chancery_ripple_seconds", "stage=\"push\"", 0.5), None);
    }
}
