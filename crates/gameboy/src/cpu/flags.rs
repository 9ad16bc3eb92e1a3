//! Flags by table: an interpreter computes them with almost every instruction.

use super::flag;

/// Flags of a result of nine bits: zero, and the ninth bit as carry.
static ZERO_AND_CARRY: [u8; 0x200] = {
    let mut table = [0; 0x200];
    let mut result = 0;
    while result < 0x200 {
        if result & 0xFF == 0 {
            table[result] |= flag::Z;
        }
        if result > 0xFF {
            table[result] |= flag::C;
        }
        result += 1;
    }
    table
};

/// Flags of a byte that became this one by INC, then by DEC; without the carry, which stays.
static COUNTED: [[u8; 0x100]; 2] = {
    let mut flags = [[0; 0x100], [flag::N; 0x100]];
    let mut result = 0;
    while result < 0x100 {
        if result == 0 {
            flags[0][result] |= flag::Z;
            flags[1][result] |= flag::Z;
        }
        if result & 0x0F == 0 {
            flags[0][result] |= flag::H;
        }
        if result & 0x0F == 0x0F {
            flags[1][result] |= flag::H;
        }
        result += 1;
    }
    flags
};

/// Zero and carry of a sum or difference.
#[inline(always)]
pub(super) fn zero_and_carry(result: u32) -> u8 {
    ZERO_AND_CARRY[result as usize & 0x1FF]
}

/// The half carry of `a + b` or `a - b`, with or without a carry: bit 4 is not what those of the
/// operands make.
#[inline(always)]
pub(super) fn half_of(a: u8, b: u8, result: u32) -> u8 {
    ((a ^ b ^ result as u8) & 0x10) << 1
}

/// Flags of INC but the carry.
#[inline(always)]
pub(super) fn of_increment(result: u8) -> u8 {
    COUNTED[0][usize::from(result)]
}

/// Flags of DEC but the carry.
#[inline(always)]
pub(super) fn of_decrement(result: u8) -> u8 {
    COUNTED[1][usize::from(result)]
}
