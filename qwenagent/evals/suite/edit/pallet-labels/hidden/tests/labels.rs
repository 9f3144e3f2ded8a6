use pallets::{check_letter, label, parse_label};

#[test]
fn check_letters() {
    assert_eq!(check_letter("LEE", 42), 'C');
    assert_eq!(check_letter("AAA", 0), 'D');
    assert_eq!(check_letter("ZZZ", 0), 'A');
    assert_eq!(check_letter("ZZY", 0), 'Z');
    assert_eq!(check_letter("ZZZ", 999_999), 'C');
}

#[test]
fn check_letters_of_other_depots() {
    assert_eq!(check_letter("K", 5), 'Q');
    assert_eq!(check_letter("HARBOUR", 10), 'G');
    assert_eq!(check_letter("", 7), 'H');
}

#[test]
fn labels_are_padded() {
    assert_eq!(label("LEE", 42), "LEE-000042-C");
    assert_eq!(label("ZZZ", 0), "ZZZ-000000-A");
    assert_eq!(label("ZZZ", 999_999), "ZZZ-999999-C");
}

#[test]
fn labels_can_be_read_again() {
    for (depot, number) in [("LEE", 42), ("AAA", 0), ("QXZ", 900_001), ("ZZZ", 999_999)] {
        let text = label(depot, number);
        assert_eq!(
            parse_label(&text),
            Some((depot.to_string(), number)),
            "{text}"
        );
    }
}

#[test]
fn the_check_letter_has_to_be_right() {
    assert_eq!(parse_label("LEE-000042-C"), Some(("LEE".to_string(), 42)));
    for wrong in [
        "LEE-000042-B",
        "LEE-000043-C",
        "LEF-000042-C",
        "LEE-000042-c",
    ] {
        assert_eq!(parse_label(wrong), None, "{wrong}");
    }
}

#[test]
fn the_form_has_to_be_right() {
    let wrong = [
        "",
        "-",
        "--",
        "LEE",
        "LEE-000042",
        "LEE-000042-",
        "LEE-000042-CC",
        "LEE-000042-C-",
        "LEE-42-C",
        "LEE-0000042-C",
        "LE-000042-X",
        "LEES-000042-V",
        "lee-000042-C",
        "LEE 000042 C",
        " LEE-000042-C",
        "LEE-000042-C ",
        "LEE-000042-C\n",
        "LEE000042C",
        "LEE-+00042-C",
        "LEE- 00042-C",
        "LEE-00O042-C",
        "L3E-000042-C",
    ];
    for text in wrong {
        assert_eq!(parse_label(text), None, "{text:?}");
    }
}

#[test]
fn the_length_of_each_part_counts() {
    assert_eq!(parse_label(&label("LE", 42)), None);
    assert_eq!(parse_label(&label("LEES", 42)), None);
    assert_eq!(parse_label(&label("", 42)), None);
    assert_eq!(parse_label(&label("LEE", 1_000_000)), None);
}

#[test]
fn other_scripts_are_no_labels() {
    for text in [
        "ÄÖÜ-000042-C",
        "é-000042-C",
        "LEE-٠٠٠٠٤٢-C",
        "LEE-000042-Ç",
        "札幌-000042-C",
        "LEÉ-00é42-C",
    ] {
        assert_eq!(parse_label(text), None, "{text}");
    }
}
