//! Saved states: bytes with a version and a checksum.

use std::fmt;

/// Begins every saved state.
pub(crate) const MAGIC: [u8; 8] = *b"ENVLIFTG";
/// Changes whenever the bytes after the header change their meaning.
pub const STATE_VERSION: u32 = 1;
pub(crate) const HEADER: usize = 32;

/// Why a saved state was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The bytes do not begin as a saved state does.
    Foreign,
    /// The state is of another version.
    Version(u32),
    /// The state belongs to another ROM or another model of the machine.
    OtherRom,
    /// The bytes are cut off, or there are too many.
    Length {
        /// Bytes that the header announces.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The checksum does not fit.
    Checksum,
    /// A field holds what the machine cannot be in.
    Damaged(&'static str),
    /// It may be a state of PyBoy's, but this stands in the way.
    PyBoy(&'static str),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => write!(
                f,
                "these bytes are no saved state, neither of this emulator nor of PyBoy 2"
            ),
            Self::PyBoy(reason) => write!(
                f,
                "these bytes are no saved state of this emulator, and as one of PyBoy 2 they \
                 cannot be read: {reason}"
            ),
            Self::Version(found) => write!(
                f,
                "the saved state has version {found}, this build reads version {STATE_VERSION}; \
                 save it anew"
            ),
            Self::OtherRom => write!(
                f,
                "the saved state was made with another ROM or another model; load it into an \
                 emulator of the ROM it was saved from"
            ),
            Self::Length { expected, found } => write!(
                f,
                "the saved state should have {expected} bytes and has {found}; it was cut off or \
                 something was added"
            ),
            Self::Checksum => write!(f, "the saved state is damaged: its checksum does not fit"),
            Self::Damaged(part) => write!(
                f,
                "the saved state is damaged: the machine cannot be in this state ({part})"
            ),
        }
    }
}

impl std::error::Error for StateError {}

/// A checksum of 64 bits over `bytes`, eight at a time in four lanes: a state is some 50 KiB, and
/// saving one should cost little more than copying it.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut lanes = [1u64, 2, 3, 4];
    let mut chunks = bytes.chunks_exact(32);
    for chunk in &mut chunks {
        for (lane, word) in lanes.iter_mut().zip(chunk.chunks_exact(8)) {
            let word = u64::from_le_bytes(word.try_into().expect("chunks of eight"));
            *lane = (*lane ^ word).wrapping_mul(PRIME).rotate_left(29);
        }
    }
    let mut sum = bytes.len() as u64;
    for &byte in chunks.remainder() {
        sum = (sum ^ u64::from(byte)).wrapping_mul(PRIME).rotate_left(29);
    }
    for lane in lanes {
        sum = (sum ^ lane).wrapping_mul(PRIME).rotate_left(29);
    }
    sum
}

/// Collects the fields of a state.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) out: Vec<u8>,
}

impl Writer {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.out.push(u8::from(value));
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }
}

/// Takes the fields of a state, in the order in which they were written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], StateError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(StateError::Damaged("too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn fill(&mut self, target: &mut [u8]) -> Result<(), StateError> {
        target.copy_from_slice(self.bytes(target.len())?);
        Ok(())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let mut values = [0; N];
        self.fill(&mut values)?;
        Ok(values)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, StateError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn bool(&mut self) -> Result<bool, StateError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StateError::Damaged("a flag is neither 0 nor 1")),
        }
    }

    pub(crate) fn u16(&mut self) -> Result<u16, StateError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, StateError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A tick that must not lie in the future.
    pub(crate) fn tick_before(&mut self, now: u64) -> Result<u64, StateError> {
        let tick = self.u64()?;
        if tick > now {
            return Err(StateError::Damaged("a time lies in the future"));
        }
        Ok(tick)
    }

    pub(crate) fn end(&self) -> Result<(), StateError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(StateError::Damaged("too long"))
        }
    }
}
