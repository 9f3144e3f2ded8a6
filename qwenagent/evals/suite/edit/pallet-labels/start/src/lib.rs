//! Labels of pallets: depot, number and check letter.

/// The check letter for a pallet.
pub fn check_letter(depot: &str, number: u32) -> char {
    todo!()
}
