//! A short log of a frost sensor: readings that hardly differ become one span.

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
