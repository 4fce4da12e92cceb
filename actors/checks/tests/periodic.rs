//! Checks that ask every interval: when they start, what it takes to change a status, and how they go.

use std::collections::BTreeSet;

use super::*;
use crate::checks::settings::Scripts;
use chancery::model::Target;

#[tokio::test(start_paused = true)]
async fn a_status_changes_after_as_many_results_in_a_row_as_the_check_asks_for() {
    World::run(vec![], async |world| {
        let patient = CheckDefinition {
            success_before_passing: 2,
            failures_before_warning: 2,
            failures_before_critical: 3,
            ..tcp(10 * SECOND)
        };
        let initial = Check { status: Status::Warning, ..check("port", "web", Some(patient)) };
        world.register(service("web"), vec![initial]).await;
        assert_eq!(world.status("port"), Status::Warning);
        let mut seen = Vec::new();
        for (result, runs) in [(Status::Passing, 2), (Status::Critical, 3), (Status::Passing, 2)] {
            world.prober.answer(result, Duration::ZERO);
            for _ in 0..runs {
                sleep(10 * SECOND).await;
                settle().await;
                seen.push(world.status("port"));
            }
        }
        let [passing, warning, critical] = [Status::Passing, Status::Warning, Status::Critical];
        assert_eq!(seen, [warning, passing, passing, warning, critical, critical, passing]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn checks_that_are_registered_together_do_not_run_together() {
    World::run(vec![], async |world| {
        let began = Instant::now();
        let checks = (0..100).map(|n| check(&format!("port-{n}"), "web", Some(tcp(10 * SECOND)))).collect();
        world.register(service("web"), checks).await;
        sleep(10 * SECOND - Duration::from_millis(1)).await;
        let mut in_second = [0; 10];
        for asked in world.prober.asked() {
            in_second[usize::try_from((asked - began).as_secs()).unwrap()] += 1;
        }
        assert_eq!(in_second.iter().sum::<u32>(), 100);
        assert!(in_second.iter().all(|runs| (1..=30).contains(runs)), "{in_second:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_goes_while_it_runs_leaves_nothing_behind() {
    World::run(vec![], async |world| {
        world.prober.answer(Status::Critical, 25 * SECOND);
        world.register(service("web"), vec![check("port", "web", Some(tcp(10 * SECOND)))]).await;
        sleep(10 * SECOND).await;
        assert_eq!(world.prober.asked().len(), 1);
        let gone = Write::DeregisterService { node: "n1".into(), id: "web".into() };
        world.catalog.commit(gone).await.unwrap();
        settle().await;
        let index = world.catalog.tables().index();
        sleep(100 * SECOND).await;
        assert_eq!(world.prober.asked().len(), 1);
        assert_eq!(world.catalog.tables().index(), index);
        assert_eq!(world.desk.count("ActiveCheck"), 0);
    })
    .await;
}

/// What the catalog says the check said, and what the agent says it says.
fn outputs(world: &World, id: &str) -> (String, String) {
    let known = query::check(&world.catalog.tables(), &"n1".into(), &id.into()).expect("it is there");
    (known.output.clone(), world.checks.newest(known).output.clone())
}

#[tokio::test(start_paused = true)]
async fn a_text_that_changes_with_each_run_is_told_to_the_catalog_now_and_then() {
    World::run(vec![], async |world| {
        world.prober.count();
        world.register(service("web"), vec![check("port", "web", Some(tcp(10 * SECOND)))]).await;
        let mut indexes = BTreeSet::new();
        for _ in 0..100 {
            sleep(10 * SECOND).await;
            settle().await;
            indexes.insert(world.catalog.tables().index());
        }
        // at the start, and then every five minutes
        assert_eq!(indexes.len(), 4, "{indexes:?}");
        let (told, now) = outputs(&world, "port");
        assert_eq!(now, "tcp says passing, run 100");
        assert_ne!(told, now);

        world.prober.answer(Status::Critical, Duration::ZERO);
        sleep(10 * SECOND).await;
        settle().await;
        let (told, now) = outputs(&world, "port");
        assert_eq!((told.as_str(), now.as_str()), ("tcp says critical, run 101", "tcp says critical, run 101"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_checks_say_is_not_kept_when_nobody_wants_it() {
    World::run(vec![], async |world| {
        world.prober.count();
        world.checks.go_by(CheckSettings { discard_output: true, ..CheckSettings::default() });
        let checks = vec![check("port", "web", Some(tcp(10 * SECOND))), check("own", "web", ttl(100 * SECOND))];
        world.register(service("web"), checks).await;
        world.checks.report("own".into(), Status::Passing, "fine".to_owned()).await.unwrap();
        sleep(20 * SECOND).await;
        settle().await;
        for id in ["port", "own"] {
            assert_eq!(world.status(id), Status::Passing);
            assert_eq!(outputs(&world, id), (String::new(), String::new()));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_program_is_run_only_where_the_agent_runs_programs() {
    World::run(vec![], async |world| {
        let script = |word: &str| {
            let definition =
                CheckDefinition { probe: Probe::Periodic(Target::Script(vec![word.to_owned()])), ..tcp(10 * SECOND) };
            check(word, "web", Some(definition))
        };
        world.register(service("web"), vec![script("one"), script("other")]).await;
        sleep(10 * SECOND).await;
        settle().await;
        assert_eq!((world.prober.asked().len(), world.status("one")), (0, Status::Critical));
        assert!(outputs(&world, "one").0.contains("enable_local_script_checks"));
        let scripts = Scripts::OfFiles([vec!["one".to_owned()]].into());
        world.checks.go_by(CheckSettings { scripts, ..CheckSettings::default() });
        sleep(10 * SECOND).await;
        settle().await;
        assert_eq!((world.status("one"), world.status("other")), (Status::Passing, Status::Critical));
    })
    .await;
}
