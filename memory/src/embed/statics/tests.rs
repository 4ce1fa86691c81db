use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;

/// A tokenizer of single letters, all bytes and the pieces `ab`, `abc`; a table that tells its rows apart.
fn folder(dimensions: usize, change: impl Fn(&mut serde_json::Value)) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut vocab = BTreeMap::new();
    let singles = ["\u{2581}", "a", "b", "c", "ab", "abc", "ca"].map(str::to_owned);
    for piece in (0..=255).map(|byte| format!("<0x{byte:02X}>")).chain(singles) {
        let next = vocab.len();
        vocab.insert(piece, next);
    }
    let mut tokenizer = serde_json::json!({
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u{2581}"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"},
        ]},
        "pre_tokenizer": null,
        "model": {"type": "BPE", "byte_fallback": true, "vocab": vocab, "merges": ["a b", "ab c", "c a"]},
    });
    change(&mut tokenizer);
    std::fs::write(folder.path().join(Statics::TOKENIZER), tokenizer.to_string()).unwrap();
    let rows = vocab.len();
    let end = rows * dimensions * 2;
    let entry = serde_json::json!({"dtype": "F16", "shape": [rows, dimensions], "data_offsets": [0, end]});
    let head = serde_json::json!({"embedding.weight": entry}).to_string();
    let mut file = (head.len() as u64).to_le_bytes().to_vec();
    file.extend(head.bytes());
    // Row r is 1.0 at r and 0 elsewhere.
    for row in 0..rows {
        file.extend((0..dimensions).flat_map(|at| if at == row % dimensions { [0x00, 0x3c] } else { [0, 0] }));
    }
    std::fs::write(folder.path().join(Statics::TABLE), file).unwrap();
    folder
}

fn refused(folder: &TempDir) -> String {
    Statics::load(folder.path()).unwrap_err().to_string()
}

#[test]
fn pieces_are_merged_in_turn_and_unknown_letters_fall_back_to_bytes() {
    let folder = folder(STATIC_DIMENSIONS, |_| ());
    let tokens = Statics::load(folder.path()).unwrap().tokens;
    let [mark, a, b, c, ab, abc, ca] = [256, 257, 258, 259, 260, 261, 262];
    assert_eq!(tokens.of("abc ba"), [mark, abc, mark, b, a]);
    assert_eq!(tokens.of("abab  c"), [mark, ab, ab, mark, mark, c]);
    // `ca` comes first in the text, `ab` has the earlier turn.
    assert_eq!(tokens.of("bcab ca"), [mark, b, c, ab, mark, ca]);
    assert_eq!(tokens.of("é"), [mark, 0xc3, 0xa9]);
    assert!(tokens.of("").is_empty());
    assert_eq!(tokens.of(&"abc".repeat(10_000)).len(), PIECES_OF_LONG_RUN);
}

/// 20,000 letters of `abc` and the mark, cut into runs of 256: each run is merged by itself.
const PIECES_OF_LONG_RUN: usize = 6_746;

#[test]
fn both_halves_are_in_the_vector_and_letters_weigh_more() {
    let folder = folder(STATIC_DIMENSIONS, |_| ());
    let statics = Statics::load(folder.path()).unwrap();
    let vector = statics.vector("abc");
    let part = |numbers: &[f32]| numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
    let [meaning, letters] = [part(&vector[..STATIC_DIMENSIONS]), part(&vector[STATIC_DIMENSIONS..])];
    assert!((letters / meaning - 1.4).abs() < 1e-5, "{letters} {meaning}");
    assert!((part(&vector) - 1.0).abs() < 1e-5);
    assert!((part(&statics.vector("")) - 1.0).abs() < 1e-5);
}

#[test]
fn another_table_or_tokenizer_is_another_space() {
    let space = |folder: &TempDir| Statics::load(folder.path()).unwrap().space().clone();
    let one = space(&folder(STATIC_DIMENSIONS, |_| ()));
    assert_eq!(one, space(&folder(STATIC_DIMENSIONS, |_| ())));
    assert_eq!(one.as_str().len(), "local:wl256+lex1280:v1:".len() + 12);
    let other = folder(STATIC_DIMENSIONS, |file| file["model"]["merges"] = serde_json::json!(["a b"]));
    assert_ne!(one, space(&other));
}

#[test]
fn a_missing_file_is_named_with_what_brings_it() {
    let folder = folder(STATIC_DIMENSIONS, |_| ());
    std::fs::remove_file(folder.path().join(Statics::TOKENIZER)).unwrap();
    let message = refused(&folder);
    assert!(message.contains("tokenizer.json") && message.contains("scripts/get-static-table"), "{message}");
}

#[test]
fn a_table_of_another_shape_is_refused() {
    assert!(refused(&folder(64, |_| ())).contains("shape [263, 64]"));
    let cut = folder(STATIC_DIMENSIONS, |_| ());
    let file = cut.path().join(Statics::TABLE);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 2]).unwrap();
    assert!(refused(&cut).contains("cut off"));
    for garbage in [&b""[..], b"\xff\xff\xff\xff\xff\xff\xff\xff{}", b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}"] {
        std::fs::write(&file, garbage).unwrap();
        assert!(refused(&cut).contains("table.safetensors is not what is expected"));
    }
}

#[test]
fn a_tokenizer_of_another_kind_is_refused() {
    type Change = fn(&mut serde_json::Value);
    let changes: [Change; 5] = [
        |file| file["normalizer"] = serde_json::Value::Null,
        |file| file["pre_tokenizer"] = serde_json::json!({"type": "Whitespace"}),
        |file| file["model"]["type"] = "Unigram".into(),
        |file| file["model"]["byte_fallback"] = false.into(),
        |file| file["model"]["merges"] = serde_json::json!(["x y"]),
    ];
    for change in changes {
        let message = refused(&folder(STATIC_DIMENSIONS, change));
        assert!(message.contains("tokenizer.json is not what is expected"), "{message}");
    }
}
