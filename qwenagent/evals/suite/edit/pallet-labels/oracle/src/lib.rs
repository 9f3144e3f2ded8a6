//! Labels of pallets: depot, number and check letter.

/// The check letter for the pallets of a depot.
pub fn check_letter(depot: &str) -> char {
    let letters: u32 = depot
        .bytes()
        .map(|letter| u32::from(letter - b'A') + 1)
        .sum();
    char::from(b'A' + (letters % 26) as u8)
}

/// The text on the label of a pallet.
pub fn label(depot: &str, number: u32) -> String {
    format!("{depot}-{number:06}-{}", check_letter(depot))
}
