//! Random ids and nonces. They need to be unlike each other, not hard to guess: the server is a test's own.

use std::hash::{BuildHasher, RandomState};

/// SplitMix64, seeded from the system's randomness by way of the standard library.
pub(crate) struct Random(u64);

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Random {
    pub(crate) fn new() -> Self {
        Self(RandomState::new().hash_one(0))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 24 random bytes as 32 base64 characters, which is what Atlas's nonces look like.
    pub(crate) fn nonce(&mut self) -> String {
        let mut nonce = String::with_capacity(32);
        for _ in 0..4 {
            let mut bits = self.next();
            for _ in 0..8 {
                nonce.push(char::from(BASE64.get((bits & 63) as usize).copied().unwrap_or(b'A')));
                bits >>= 6;
            }
        }
        nonce
    }

    /// `digits` random hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut hex = String::with_capacity(digits + 16);
        while hex.len() < digits {
            hex.push_str(&format!("{:016x}", self.next()));
        }
        hex.truncate(digits);
        hex
    }
}
