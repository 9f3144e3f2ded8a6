//! Labels of pallets: depot, number and check letter.

/// The check letter for the pallets of a depot.
pub fn check_letter(depot: &str) -> char {
    todo!()
}
