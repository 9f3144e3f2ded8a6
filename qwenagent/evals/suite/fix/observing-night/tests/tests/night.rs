use std::collections::BTreeMap;

use observing::{Night, PlanError};

fn night(blocks: &[(&str, u32, u32)]) -> Night {
    let mut night = Night::new(480);
    for (target, start, end) in blocks {
        night.fix(target, *start, *end).unwrap();
    }
    night
}

fn times(night: &Night) -> Vec<(u32, u32)> {
    night.blocks().iter().map(|b| (b.start, b.end)).collect()
}

fn minutes(pairs: &[(&str, u32)]) -> BTreeMap<String, u32> {
    pairs.iter().map(|(t, m)| (t.to_string(), *m)).collect()
}

#[test]
fn blocks_are_kept_in_order() {
    let night = night(&[("Vega", 200, 260), ("M 13", 0, 60), ("M 57", 60, 200)]);
    assert_eq!(times(&night), [(0, 60), (60, 200), (200, 260)]);
}

#[test]
fn blocks_do_not_overlap() {
    let mut night = night(&[("Vega", 100, 160)]);
    let error = night.fix("M 13", 159, 200).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the time from 100 to 160 is taken by Vega"
    );
    assert_eq!(night.fix("M 13", 160, 200), Ok(()));
    assert_eq!(night.fix("M 57", 90, 100), Ok(()));
}

#[test]
fn blocks_end_before_dawn() {
    let mut night = Night::new(480);
    let error = night.fix("Vega", 400, 481).unwrap_err();
    assert_eq!(
        error,
        PlanError::AfterDawn {
            end: 481,
            dawn: 480
        }
    );
    assert_eq!(night.fix("Vega", 400, 400), Err(PlanError::Empty));
    assert_eq!(night.fix("Vega", 400, 480), Ok(()));
}

#[test]
fn gaps_between_blocks() {
    assert_eq!(Night::new(480).gaps(), [(0, 480)]);
    let night = night(&[("Vega", 0, 60), ("M 13", 60, 100), ("M 57", 130, 480)]);
    assert_eq!(night.gaps(), [(100, 130)]);
}

#[test]
fn a_block_is_fitted_in() {
    let mut night = night(&[("Vega", 30, 100), ("M 13", 150, 400)]);
    assert_eq!(night.fit("M 57", 50), Ok(100));
    assert_eq!(night.fit("M 27", 20), Ok(0));
    assert_eq!(night.fit("M 92", 80), Ok(400));
    let error = night.fit("M 31", 11).unwrap_err();
    assert_eq!(error.to_string(), "no room for 11 minutes of M 31");
}

#[test]
fn clouds_at_the_end_of_a_block() {
    let mut night = night(&[("Vega", 0, 100)]);
    assert_eq!(night.close(70, 200), minutes(&[("Vega", 30)]));
    assert_eq!(times(&night), [(0, 70)]);
}

#[test]
fn clouds_at_the_start_of_a_block() {
    let mut night = night(&[("Vega", 50, 100)]);
    assert_eq!(night.close(0, 70), minutes(&[("Vega", 20)]));
    assert_eq!(times(&night), [(70, 100)]);
}

#[test]
fn clouds_over_whole_blocks() {
    let mut night = night(&[("Vega", 50, 100), ("M 13", 100, 150), ("M 57", 150, 200)]);
    let lost = night.close(40, 160);
    assert_eq!(lost, minutes(&[("Vega", 50), ("M 13", 50), ("M 57", 10)]));
    assert_eq!(times(&night), [(160, 200)]);
}

#[test]
fn clouds_between_blocks() {
    let mut night = night(&[("Vega", 50, 100), ("M 13", 150, 200)]);
    assert_eq!(night.close(100, 150), BTreeMap::new());
    assert_eq!(times(&night), [(50, 100), (150, 200)]);
}

#[test]
fn a_short_cloud_costs_only_its_own_minutes() {
    let mut night = night(&[("Vega", 0, 240), ("M 13", 240, 300)]);
    assert_eq!(night.close(100, 115), minutes(&[("Vega", 15)]));
    assert_eq!(
        night.minutes_by_target(),
        minutes(&[("Vega", 225), ("M 13", 60)])
    );
}

#[test]
fn the_report_after_a_cloud() {
    let mut night = night(&[("Vega", 0, 240), ("M 13", 300, 480)]);
    night.close(60, 90);
    let expected = "0-60 Vega (60 min)\n90-240 Vega (150 min)\n\
                    300-480 M 13 (180 min)\nfree: 90 min";
    assert_eq!(night.report(), expected);
}

#[test]
fn a_closed_time_can_be_used_again() {
    let mut night = night(&[("Vega", 0, 480)]);
    night.close(200, 230);
    assert_eq!(night.fit("Moon", 30), Ok(200));
    assert_eq!(times(&night), [(0, 200), (200, 230), (230, 480)]);
}
