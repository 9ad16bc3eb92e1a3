//! Text of an instruction, from the same table that executes it.

use super::{INSTRUCTIONS, prefixed};

/// One instruction as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disassembly {
    /// For example `LD A,($FF44)`.
    pub text: String,
    /// Bytes, 1 to 3.
    pub length: u8,
}

/// Bytes of operand after an opcode without prefix.
pub(crate) fn operand_length(opcode: u8) -> u8 {
    let mnemonic = INSTRUCTIONS[usize::from(opcode)].mnemonic;
    if mnemonic.contains("16") {
        2
    } else if mnemonic.contains("n8") || mnemonic.contains("e8") || mnemonic.contains("a8") {
        1
    } else {
        // STOP is two bytes long, but says nothing about the second.
        u8::from(mnemonic == "STOP" || mnemonic == "PREFIX")
    }
}

/// The instruction that `bytes` begin with; `bytes` are its opcode and what follows.
pub fn disassemble(bytes: [u8; 3], address: u16) -> Disassembly {
    let [opcode, first, second] = bytes;
    let length = 1 + operand_length(opcode);
    let mnemonic = INSTRUCTIONS[usize::from(opcode)].mnemonic;
    let word = u16::from_le_bytes([first, second]);
    let text = if mnemonic == "PREFIX" {
        prefixed::mnemonic(first)
    } else if mnemonic.starts_with("JR") {
        let target = address
            .wrapping_add(2)
            .wrapping_add_signed(i16::from(first as i8));
        mnemonic.replace("e8", &format!("${target:04X}"))
    } else {
        mnemonic
            .replace("n16", &format!("${word:04X}"))
            .replace("a16", &format!("${word:04X}"))
            .replace("n8", &format!("${first:02X}"))
            .replace("a8", &format!("$FF{first:02X}"))
            .replace("SP+e8", &format!("SP{:+}", first as i8))
            .replace("e8", &format!("{:+}", first as i8))
    };
    Disassembly { text, length }
}
