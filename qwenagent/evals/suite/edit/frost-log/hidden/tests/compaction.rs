use frostlog::{compact, render, value_at, LogError, Reading, Span};

fn readings(pairs: &[(u32, i32)]) -> Vec<Reading> {
    pairs
        .iter()
        .map(|&(at, value)| Reading { at, value })
        .collect()
}

fn span(from: u32, to: u32, value: i32, count: usize) -> Span {
    Span {
        from,
        to,
        value,
        count,
    }
}

#[test]
fn no_readings_give_no_spans() {
    assert_eq!(compact(&[], 5, 30), Ok(vec![]));
}

#[test]
fn one_reading_is_one_span() {
    let log = readings(&[(10, -15)]);
    assert_eq!(compact(&log, 0, 30), Ok(vec![span(10, 10, -15, 1)]));
}

#[test]
fn readings_within_the_tolerance_join() {
    let log = readings(&[(0, 20), (10, 23), (20, 17), (30, 24), (40, 24)]);
    let spans = vec![span(0, 20, 20, 3), span(30, 40, 24, 2)];
    assert_eq!(compact(&log, 3, 10), Ok(spans));
}

#[test]
fn the_value_that_opened_the_span_counts() {
    let log = readings(&[(0, 0), (10, 2), (20, 4), (30, 6)]);
    let spans = vec![span(0, 10, 0, 2), span(20, 30, 4, 2)];
    assert_eq!(compact(&log, 2, 60), Ok(spans));
}

#[test]
fn a_tolerance_of_zero_joins_equal_values() {
    let log = readings(&[(0, -3), (10, -3), (20, -2)]);
    let spans = vec![span(0, 10, -3, 2), span(20, 20, -2, 1)];
    assert_eq!(compact(&log, 0, 10), Ok(spans));
}

#[test]
fn a_gap_opens_a_new_span() {
    let log = readings(&[(0, 5), (30, 5), (61, 5), (91, 5)]);
    let spans = vec![span(0, 30, 5, 2), span(61, 91, 5, 2)];
    assert_eq!(compact(&log, 3, 30), Ok(spans));
}

#[test]
fn a_gap_is_counted_from_the_end_of_the_span() {
    let log = readings(&[(0, 5), (20, 5), (40, 5), (60, 5)]);
    assert_eq!(compact(&log, 3, 20), Ok(vec![span(0, 60, 5, 4)]));
}

#[test]
fn only_the_span_opened_last_grows() {
    let log = readings(&[(0, 5), (10, 50), (20, 5)]);
    let spans = vec![span(0, 0, 5, 1), span(10, 10, 50, 1), span(20, 20, 5, 1)];
    assert_eq!(compact(&log, 3, 60), Ok(spans));
}

#[test]
fn times_have_to_grow() {
    let same = readings(&[(0, 5), (10, 5), (10, 90)]);
    assert_eq!(
        compact(&same, 3, 60),
        Err(LogError::OutOfOrder { index: 2, at: 10 })
    );
    let back = readings(&[(50, 5), (40, 5), (30, 5)]);
    assert_eq!(
        compact(&back, 3, 60),
        Err(LogError::OutOfOrder { index: 1, at: 40 })
    );
}

#[test]
fn a_tolerance_is_not_negative() {
    assert_eq!(compact(&[], -1, 60), Err(LogError::BadTolerance(-1)));
    let back = readings(&[(50, 5), (40, 5)]);
    assert_eq!(compact(&back, -4, 60), Err(LogError::BadTolerance(-4)));
}

#[test]
fn errors_can_be_shown() {
    let order = LogError::OutOfOrder { index: 3, at: 120 };
    assert_eq!(order.to_string(), "reading 3 at 120 is out of order");
    assert_eq!(
        LogError::BadTolerance(-1).to_string(),
        "tolerance -1 is negative"
    );
    assert_eq!(order.clone(), order);
}

#[test]
fn the_value_at_a_time() {
    let spans = [span(0, 30, 5, 2), span(61, 91, -7, 2), span(95, 95, 0, 1)];
    let found: Vec<Option<i32>> = [0, 30, 31, 60, 61, 91, 92, 95, 96]
        .iter()
        .map(|&at| value_at(&spans, at))
        .collect();
    let expected = [
        Some(5),
        Some(5),
        None,
        None,
        Some(-7),
        Some(-7),
        None,
        Some(0),
        None,
    ];
    assert_eq!(found, expected);
    assert_eq!(value_at(&[], 0), None);
}

#[test]
fn the_log_as_text() {
    let spans = [
        span(60, 120, -15, 3),
        span(130, 130, 204, 1),
        span(140, 150, 7, 2),
    ];
    assert_eq!(render(&spans), "60-120 -1.5 x3\n130 20.4\n140-150 0.7 x2\n");
    assert_eq!(render(&[]), "");
}

#[test]
fn values_around_zero_as_text() {
    let spans = [
        span(0, 0, -5, 1),
        span(1, 1, 0, 1),
        span(2, 2, -10, 1),
        span(3, 3, -1, 1),
    ];
    assert_eq!(render(&spans), "0 -0.5\n1 0.0\n2 -1.0\n3 -0.1\n");
}
