//! Do filters mean what they mean in Consul? The same expressions are put to go-bexpr, which Consul is built with: whether
//! each is taken, and what it selects. `FILTER_SEED=n` repeats a run with other expressions.

mod expressions;
mod reference;
mod values;

use chancery::filter::{Filter, Table, selectors};
use chancery::model::Datacenter;
use chancery_tests::chance::Chance;

use reference::{Reference, Said, Version};
use values::Values;

fn seed() -> u64 {
    std::env::var("FILTER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn ours(values: &Values, kind: &str, text: &str) -> Said {
    match kind {
        "Nodes" => ask(text, &selectors::NODE, &values.nodes),
        "Services" => ask(text, &selectors::SERVICE, &values.services),
        "Checks" => ask(text, &selectors::CHECK, &values.checks),
        "Instances" => ask(text, &selectors::INSTANCE, &values.instances),
        "CatalogServices" => ask(text, &selectors::CATALOG_SERVICE, &values.instances),
        "Intentions" => ask(text, &selectors::INTENTION, &values.intentions),
        other => panic!("{other} is no kind"),
    }
}

fn ask<T>(text: &str, table: &'static Table<T>, values: &[T]) -> Said {
    match Filter::new(text, table, &datacenter()) {
        Ok(filter) => Said::Selects(values.iter().map(|value| filter.selects(value)).collect()),
        Err(error) => Said::Error(error.to_string()),
    }
}

fn datacenter() -> Datacenter {
    Datacenter::from("dc1")
}

/// Puts each expression to both, and reports where they differ.
fn compare(test: &str, version: Version, questions: &[(&'static str, String)]) {
    let Some(reference) = Reference::build(test, version) else { return };
    let values = Values::new(&mut Chance(seed()));
    let theirs = reference.ask(&values.shown(&datacenter()), questions);
    let (mut taken, mut selective, mut different) = (0, 0, Vec::new());
    for ((kind, text), theirs) in questions.iter().zip(&theirs) {
        let ours = ours(&values, kind, text);
        match (&ours, theirs) {
            (Said::Error(_), Said::Error(_)) => {}
            (Said::Selects(ours), Said::Selects(theirs)) if ours == theirs => {
                taken += 1;
                selective += usize::from(ours.contains(&true) && ours.contains(&false));
            }
            _ => different.push(format!("{kind}: {text}\n  ours   {ours}\n  theirs {theirs}")),
        }
    }
    println!("{} expressions, {taken} taken, {selective} select some and not others", questions.len());
    different.truncate(20);
    assert!(different.is_empty(), "FILTER_SEED={}\n{}", seed(), different.join("\n"));
    assert!(taken > questions.len() / 4, "hardly any expression is one");
    assert!(selective > questions.len() / 10, "hardly any expression tells values apart");
}

#[test]
fn ten_thousand_expressions_mean_what_they_mean_in_consul() {
    let mut chance = Chance(seed());
    let questions: Vec<_> = (0..10_000).map(|_| expressions::any(&mut chance)).collect();
    compare("ten_thousand_expressions_mean_what_they_mean_in_consul", Version::Consul, &questions);
}

#[test]
fn loops_mean_what_they_mean_in_later_versions() {
    let mut chance = Chance(seed());
    let questions: Vec<_> = (0..2_000).map(|_| expressions::looping(&mut chance)).collect();
    compare("loops_mean_what_they_mean_in_later_versions", Version::Later, &questions);
}
