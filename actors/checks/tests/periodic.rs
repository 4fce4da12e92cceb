//! Checks that ask every interval: when they start, what it takes to change a status, and how they go.

use super::*;

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
