//! `canary demo`: the first thing that anybody sees.

use canary_tests::{Ended, Route, canary};

const SETTLED_LOST: &str =
    r#"{"rules": [{"what": {"event": "lost"}, "only": {"event_type": "CrossFrameTransferSettled"}}]}"#;

/// A demo's cycle and deadline are 10 s each, and it begins with the next whole cycle.
const SECONDS: u64 = 60;

#[test]
fn a_demo_of_one_cycle_shows_all_six_paths_passed_with_latencies_and_exits_0() {
    canary_tests::run(async {
        let ended = canary(&["demo", "--cycles", "1", "--listen", "127.0.0.1:0"], SECONDS).await;
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        let (told, _) = ended.stdout.split_once("\n\n+").unwrap();
        // A cycle is 10 s: what its lines have in common is the time but for the last digit.
        let cycle = &told.lines().last().unwrap()[..7];
        let is_told = |path: &str| {
            told.lines().any(|line| line.starts_with(cycle) && line.contains(&format!("  {path} ")))
        };
        for route in Route::MATRIX {
            assert!(is_told(route.name), "{} in: {told}", route.name);
            let [backend, slots, passed, median, slowest, otherwise] = line(&ended, route.name);
            assert_eq!([backend.as_str(), &slots, &passed, &otherwise], [route.backend, "1", "1", ""]);
            let (median, slowest): (f64, f64) = (median.parse().unwrap(), slowest.parse().unwrap());
            assert!(median > 0.0 && median <= slowest && slowest < 10_000.0, "{median} {slowest}");
        }
        assert!(ended.stdout.contains("console: http://127.0.0.1:"), "{}", ended.stdout);
    });
}

#[test]
fn a_demo_without_settled_events_names_them_for_the_async_paths_and_exits_1() {
    canary_tests::run(async {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), SETTLED_LOST).unwrap();
        let faults = file.path().to_str().unwrap();
        let arguments = ["demo", "--cycles", "1", "--faults", faults, "--listen", "127.0.0.1:0"];
        let ended = canary(&arguments, SECONDS).await;
        assert_eq!(ended.code(), Some(1), "{}{}", ended.stdout, ended.stderr);
        for route in Route::MATRIX.iter().filter(|route| route.backend == "async") {
            let [_, slots, passed, _, _, otherwise] = line(&ended, route.name);
            assert_eq!([slots, passed, otherwise], ["1", "0", "failed/timeout cf_settled"]);
        }
        for path in ["a-intra", "a-2pc", "a-2pc-b"] {
            assert_eq!(line(&ended, path)[2], "1", "{path} does not need the event: {}", ended.stdout);
        }
    });
}

/// A path's line of the table, without the path.
fn line(ended: &Ended, path: &str) -> [String; 6] {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches(['|', '│', ' ']).split(['|', '│', '┆']).map(|cell| cell.trim().to_owned()).collect()
    };
    let table = ended.stdout.split_once("median").map_or("", |(_, table)| table);
    let found = table.lines().map(cells).find(|cells| cells[0] == path);
    let mut cells = found.unwrap_or_else(|| panic!("{path} is not in the table:\n{}", ended.stdout));
    cells.remove(0);
    cells.resize(6, String::new());
    cells.try_into().unwrap()
}
