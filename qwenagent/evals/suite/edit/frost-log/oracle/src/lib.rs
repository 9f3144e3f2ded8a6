//! A short log of a frost sensor: readings that hardly differ become one span.

use std::fmt;

/// One reading of the sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Minutes since the log began.
    pub at: u32,
    /// Tenths of a degree.
    pub value: i32,
}

/// Readings that followed each other with nearly the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Time of the first reading.
    pub from: u32,
    /// Time of the last reading.
    pub to: u32,
    /// Value of the first reading, in tenths of a degree.
    pub value: i32,
    /// How many readings there are in it.
    pub count: usize,
}

/// What is wrong with a log or with how it is to be compacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogError {
    OutOfOrder { index: usize, at: u32 },
    BadTolerance(i32),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::OutOfOrder { index, at } => {
                write!(f, "reading {index} at {at} is out of order")
            }
            LogError::BadTolerance(tolerance) => write!(f, "tolerance {tolerance} is negative"),
        }
    }
}

impl Span {
    fn open(reading: Reading) -> Span {
        Span {
            from: reading.at,
            to: reading.at,
            value: reading.value,
            count: 1,
        }
    }

    fn takes(&self, reading: Reading, tolerance: i32, max_gap: u32) -> bool {
        self.value.abs_diff(reading.value) <= tolerance.unsigned_abs()
            && reading.at - self.to <= max_gap
    }
}

/// Put readings that follow each other with nearly the same value into spans.
pub fn compact(readings: &[Reading], tolerance: i32, max_gap: u32) -> Result<Vec<Span>, LogError> {
    if tolerance < 0 {
        return Err(LogError::BadTolerance(tolerance));
    }
    let mut spans: Vec<Span> = Vec::new();
    for (index, &reading) in readings.iter().enumerate() {
        match spans.last_mut() {
            Some(span) if reading.at <= span.to => {
                return Err(LogError::OutOfOrder {
                    index,
                    at: reading.at,
                });
            }
            Some(span) if span.takes(reading, tolerance, max_gap) => {
                span.to = reading.at;
                span.count += 1;
            }
            _ => spans.push(Span::open(reading)),
        }
    }
    Ok(spans)
}

/// The value of the span that covers this time.
pub fn value_at(spans: &[Span], at: u32) -> Option<i32> {
    spans
        .iter()
        .find(|span| span.from <= at && at <= span.to)
        .map(|span| span.value)
}

/// The log as text, one line for each span.
pub fn render(spans: &[Span]) -> String {
    spans.iter().map(render_span).collect()
}

fn render_span(span: &Span) -> String {
    let degrees = in_degrees(span.value);
    if span.count == 1 {
        format!("{} {degrees}\n", span.from)
    } else {
        format!("{}-{} {degrees} x{}\n", span.from, span.to, span.count)
    }
}

fn in_degrees(tenths: i32) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let size = tenths.unsigned_abs();
    format!("{sign}{}.{}", size / 10, size % 10)
}
