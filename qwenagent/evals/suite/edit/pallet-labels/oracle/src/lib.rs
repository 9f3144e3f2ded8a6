//! Labels of pallets: depot, number and check letter.

/// The check letter for a pallet.
pub fn check_letter(depot: &str, number: u32) -> char {
    let letters: u32 = depot
        .bytes()
        .map(|letter| u32::from(letter - b'A') + 1)
        .sum();
    let remainder = (letters + digit_sum(number)) % 26;
    char::from(b'A' + remainder as u8)
}

/// The text on the label of a pallet.
pub fn label(depot: &str, number: u32) -> String {
    format!("{depot}-{number:06}-{}", check_letter(depot, number))
}

/// The depot and the number of a label, or `None` if it is not a valid one.
pub fn parse_label(text: &str) -> Option<(String, u32)> {
    let parts: Vec<&str> = text.split('-').collect();
    let [depot, digits, _] = parts[..] else {
        return None;
    };
    if depot.len() != 3 || !depot.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok()?;
    (label(depot, number) == text).then(|| (depot.to_string(), number))
}

fn digit_sum(mut number: u32) -> u32 {
    let mut sum = 0;
    while number > 0 {
        sum += number % 10;
        number /= 10;
    }
    sum
}
