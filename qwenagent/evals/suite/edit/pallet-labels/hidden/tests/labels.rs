use pallets::{check_letter, label};

#[test]
fn check_letters() {
    assert_eq!(check_letter("LEE"), 'W');
    assert_eq!(check_letter("AAA"), 'D');
    assert_eq!(check_letter("ZZZ"), 'A');
    assert_eq!(check_letter("ZZY"), 'Z');
}

#[test]
fn depots_of_other_lengths() {
    assert_eq!(check_letter("K"), 'L');
    assert_eq!(check_letter("HARBOUR"), 'F');
    assert_eq!(check_letter(""), 'A');
}

#[test]
fn labels_are_padded() {
    assert_eq!(label("LEE", 42), "LEE-000042-W");
    assert_eq!(label("ZZZ", 0), "ZZZ-000000-A");
    assert_eq!(label("ZZZ", 999_999), "ZZZ-999999-A");
}
