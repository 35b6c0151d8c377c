//! What is waited for, and what each stage of a life means for it.

use super::Failure;
use crate::api::resource::Stage;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Atlas has done its part: now for the cloud provider's side.
    Reserved,
    /// Usable.
    Available,
    /// Gone.
    Deleted,
}

/// What a look means for a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pending,
    Reached,
    /// Reached, and nothing is left to show.
    Gone,
    Failed(Failure),
}

const FAILED: Verdict = Verdict::Failed(Failure::Failed);
const DELETING: Verdict = Verdict::Failed(Failure::Deleting);
const GONE: Verdict = Verdict::Failed(Failure::Gone);

/// A stage, and what it means for each target in the order of [`Target`].
const ACCEPTORS: [(Stage, [Verdict; 3]); 8] = [
    (Stage::Unknown, [Verdict::Pending, Verdict::Pending, Verdict::Pending]),
    (Stage::Pending, [Verdict::Pending, Verdict::Pending, Verdict::Pending]),
    (Stage::Reserved, [Verdict::Reached, Verdict::Pending, Verdict::Pending]),
    (Stage::Connecting, [Verdict::Reached, Verdict::Pending, Verdict::Pending]),
    (Stage::Available, [Verdict::Reached, Verdict::Reached, Verdict::Pending]),
    (Stage::Failed, [FAILED, FAILED, Verdict::Pending]),
    (Stage::Deleting, [DELETING, DELETING, Verdict::Pending]),
    (Stage::Deleted, [GONE, GONE, Verdict::Gone]),
];

impl Target {
    /// The target that users write as `"RESERVED"`, `"AVAILABLE"` or `"DELETED"`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Reserved, Self::Available, Self::Deleted].into_iter().find(|target| target.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Available => "AVAILABLE",
            Self::Deleted => "DELETED",
        }
    }

    pub(super) fn judge(self, stage: Stage) -> Verdict {
        let row = ACCEPTORS.iter().find(|(known, _)| *known == stage);
        row.map_or(Verdict::Pending, |(_, [reserved, available, deleted])| match self {
            Self::Reserved => *reserved,
            Self::Available => *available,
            Self::Deleted => *deleted,
        })
    }
}
