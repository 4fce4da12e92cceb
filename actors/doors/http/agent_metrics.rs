//! `/v1/agent/metrics` in the form of Consul's own: gauges, counters and samples, read off what Prometheus is told.

use std::collections::BTreeMap;

use serde::Serialize;

type Labels = BTreeMap<String, String>;

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metrics {
    timestamp: String,
    gauges: Vec<Gauge>,
    /// Consul's own has none either.
    points: Vec<()>,
    counters: Vec<Summary>,
    samples: Vec<Summary>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Gauge {
    name: String,
    value: f64,
    labels: Labels,
}

/// Since the process began.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    name: String,
    /// Clients read it as a whole number.
    count: u64,
    sum: f64,
    mean: f64,
    labels: Labels,
}

/// From Prometheus' text.
pub(super) fn of(text: &str, timestamp: String) -> Metrics {
    let mut metrics = Metrics { timestamp, ..Metrics::default() };
    let mut kinds = BTreeMap::new();
    let mut sums: BTreeMap<(String, Labels), f64> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            kinds.insert(name, kind);
        }
        let Some((name, labels, text)) = sample(line) else { continue };
        let Some(value) = text.parse().ok().filter(|value: &f64| value.is_finite()) else { continue };
        let histogram = |suffix| name.strip_suffix(suffix).filter(|name| kinds.get(name) == Some(&"histogram"));
        let summary = |name: &str, mean| {
            let count = text.parse().ok()?;
            Some(Summary { name: name.to_owned(), count, sum: value, mean, labels: labels.clone() })
        };
        if let Some(name) = histogram("_sum") {
            sums.insert((name.to_owned(), labels), value);
        } else if let Some(name) = histogram("_count") {
            metrics.samples.extend(summary(name, 0.0));
        } else if kinds.get(name) == Some(&"counter") {
            metrics.counters.extend(summary(name, 1.0));
        } else if kinds.get(name) == Some(&"gauge") {
            metrics.gauges.push(Gauge { name: name.to_owned(), value, labels });
        }
    }
    for sample in &mut metrics.samples {
        // the count itself until here
        let count = sample.sum;
        sample.sum = sums.get(&(sample.name.clone(), sample.labels.clone())).copied().unwrap_or(0.0);
        sample.mean = if count > 0.0 { sample.sum / count } else { 0.0 };
    }
    metrics
}

/// `name{key="value",…} number`
fn sample(line: &str) -> Option<(&str, Labels, &str)> {
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = line.rsplit_once(' ')?;
    let Some((name, rest)) = series.split_once('{') else { return Some((series, Labels::new(), value)) };
    let mut labels = Labels::new();
    let mut rest = rest.strip_suffix('}')?;
    while let Some((key, after)) = rest.split_once("=\"") {
        let (text, left) = quoted(after)?;
        labels.insert(key.to_owned(), text);
        rest = left.strip_prefix(',').unwrap_or(left);
    }
    Some((name, labels, value))
}

/// Up to the closing quote, and what comes after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(match letters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => out.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of;

    #[test]
    fn what_prometheus_is_told_is_told_as_consul_tells_it() {
        let text = "# HELP a something\n# TYPE a gauge\na 7\n\n# TYPE b counter\nb{x=\"1\",y=\"q\\\", {\"} 3\n\
                    # TYPE c histogram\nc_bucket{le=\"1\"} 2\nc_bucket{le=\"+Inf\"} 4\nc_sum 10\nc_count 4\n";
        let found = serde_json::to_value(of(text, "now".to_owned())).expect("JSON");
        let expected = json!({
            "Timestamp": "now",
            "Gauges": [{ "Name": "a", "Value": 7.0, "Labels": {} }],
            "Points": [],
            "Counters": [{ "Name": "b", "Count": 3, "Sum": 3.0, "Mean": 1.0, "Labels": { "x": "1", "y": "q\", {" } }],
            "Samples": [{ "Name": "c", "Count": 4, "Sum": 10.0, "Mean": 2.5, "Labels": {} }],
        });
        assert_eq!(found, expected);
    }
}
