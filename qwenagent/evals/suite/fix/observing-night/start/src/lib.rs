//! The plan of one night at a telescope.
//!
//! Times are minutes since dusk. A block runs from its start up to, but not
//! including, its end. The blocks of a night never overlap and are kept in order.

use std::collections::BTreeMap;
use std::fmt;

/// A time for which the telescope looks at one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub start: u32,
    pub end: u32,
    pub target: String,
}

impl Block {
    fn minutes(&self) -> u32 {
        self.end - self.start
    }

    fn overlaps(&self, start: u32, end: u32) -> bool {
        self.start < end && start < self.end
    }
}

/// Why a block cannot be put into a night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    Empty,
    AfterDawn { end: u32, dawn: u32 },
    Overlaps(Block),
    NoRoom { target: String, minutes: u32 },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Empty => write!(f, "a block needs at least a minute"),
            PlanError::AfterDawn { end, dawn } => {
                write!(f, "the block ends at {end}, dawn is at {dawn}")
            }
            PlanError::Overlaps(block) => write!(
                f,
                "the time from {} to {} is taken by {}",
                block.start, block.end, block.target
            ),
            PlanError::NoRoom { target, minutes } => {
                write!(f, "no room for {minutes} minutes of {target}")
            }
        }
    }
}

impl std::error::Error for PlanError {}

/// The blocks between dusk and dawn.
#[derive(Debug, Clone)]
pub struct Night {
    dawn: u32,
    blocks: Vec<Block>,
}

impl Night {
    /// A night without blocks.
    pub fn new(dawn: u32) -> Night {
        Night {
            dawn,
            blocks: Vec::new(),
        }
    }

    /// The blocks in order of time.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Put in a block at a fixed time.
    pub fn fix(&mut self, target: &str, start: u32, end: u32) -> Result<(), PlanError> {
        if start >= end {
            return Err(PlanError::Empty);
        }
        if end > self.dawn {
            return Err(PlanError::AfterDawn {
                end,
                dawn: self.dawn,
            });
        }
        if let Some(taken) = self.blocks.iter().find(|block| block.overlaps(start, end)) {
            return Err(PlanError::Overlaps(taken.clone()));
        }
        self.put(Block {
            start,
            end,
            target: target.to_string(),
        });
        Ok(())
    }

    /// Put in a block at the first time that is long enough; returns its start.
    pub fn fit(&mut self, target: &str, minutes: u32) -> Result<u32, PlanError> {
        let gap = self
            .gaps()
            .into_iter()
            .find(|(from, to)| to - from >= minutes);
        match gap {
            Some((from, _)) => self.fix(target, from, from + minutes).map(|()| from),
            None => Err(PlanError::NoRoom {
                target: target.to_string(),
                minutes,
            }),
        }
    }

    /// The free times, as pairs of start and end.
    pub fn gaps(&self) -> Vec<(u32, u32)> {
        let mut gaps = Vec::new();
        let mut free_from = 0;
        for block in &self.blocks {
            if block.start > free_from {
                gaps.push((free_from, block.start));
            }
            free_from = block.end;
        }
        if self.dawn > free_from {
            gaps.push((free_from, self.dawn));
        }
        gaps
    }

    /// Give up the time from `from` to `to`, for instance because of clouds.
    ///
    /// Blocks lose the part that lies in this time; what is before and after it
    /// stays. Returns the minutes that were lost, by target.
    pub fn close(&mut self, from: u32, to: u32) -> BTreeMap<String, u32> {
        let before = self.minutes_by_target();
        let mut kept = Vec::new();
        for block in self.blocks.drain(..) {
            if block.overlaps(from, to) {
                kept.extend(outside(block, from, to));
            } else {
                kept.push(block);
            }
        }
        self.blocks = kept;
        self.losses_since(before)
    }

    /// How many minutes each target gets.
    pub fn minutes_by_target(&self) -> BTreeMap<String, u32> {
        let mut minutes = BTreeMap::new();
        for block in &self.blocks {
            *minutes.entry(block.target.clone()).or_insert(0) += block.minutes();
        }
        minutes
    }

    /// The plan as text: a line for each block, and one with the free time.
    pub fn report(&self) -> String {
        let mut lines: Vec<String> = self.blocks.iter().map(line).collect();
        let free: u32 = self.gaps().iter().map(|(from, to)| to - from).sum();
        lines.push(format!("free: {free} min"));
        lines.join("\n")
    }

    fn put(&mut self, block: Block) {
        let place = self
            .blocks
            .partition_point(|other| other.start < block.start);
        self.blocks.insert(place, block);
    }

    fn losses_since(&self, before: BTreeMap<String, u32>) -> BTreeMap<String, u32> {
        let now = self.minutes_by_target();
        before
            .into_iter()
            .map(|(target, minutes)| {
                let left = now.get(&target).copied().unwrap_or(0);
                (target, minutes - left)
            })
            .filter(|(_, lost)| *lost > 0)
            .collect()
    }
}

/// The parts of a block that lie before and after a closed time.
fn outside(block: Block, from: u32, to: u32) -> Vec<Block> {
    let mut parts = Vec::new();
    if block.start < from {
        parts.push(Block {
            end: from,
            ..block.clone()
        });
    } else if block.end > to {
        parts.push(Block { start: to, ..block });
    }
    parts
}

fn line(block: &Block) -> String {
    format!(
        "{}-{} {} ({} min)",
        block.start,
        block.end,
        block.target,
        block.minutes()
    )
}
