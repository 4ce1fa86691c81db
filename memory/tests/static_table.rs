//! Our reader of the static table against the Python package that it comes from. Needs the table; `make eval-memory` brings
//! it and runs this.

use std::path::PathBuf;

use memory::embed::{DIMENSIONS, Embedder, Statics};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    text: String,
    /// The first numbers of the vector of length 1 that the package gives.
    meaning: Vec<f32>,
}

fn statics() -> Statics {
    let folder =
        std::env::var_os("MERIDIAN_STATIC_TABLE").expect("MERIDIAN_STATIC_TABLE names the folder of the table");
    Statics::load(&PathBuf::from(folder)).unwrap()
}

#[test]
#[ignore = "needs the table: scripts/get-static-table FOLDER, then MERIDIAN_STATIC_TABLE=FOLDER"]
fn vectors_are_those_of_the_package() {
    let statics = statics();
    let references: Vec<Reference> = serde_json::from_str(include_str!("fixtures/static_table.json")).unwrap();
    assert_eq!(references.len(), 3);
    for Reference { text, meaning } in references {
        let ours = statics.meaning(&text);
        for (at, (ours, theirs)) in ours.iter().zip(&meaning).enumerate() {
            assert!((ours - theirs).abs() < 2e-6, "{text}: number {at} is {ours}, the package says {theirs}");
        }
    }
}

#[test]
#[ignore = "needs the table: scripts/get-static-table FOLDER, then MERIDIAN_STATIC_TABLE=FOLDER"]
fn texts_of_the_same_meaning_are_near_without_a_word_in_common() {
    let statics = statics();
    let cosine =
        |a: &str, b: &str| -> f32 { statics.meaning(a).iter().zip(statics.meaning(b)).map(|(a, b)| a * b).sum() };
    let near = cosine("the automobile is fast", "cars drive quickly");
    let far = cosine("the automobile is fast", "bread needs yeast");
    assert!(near > far + 0.15, "near {near:.2}, far {far:.2}");
    assert_eq!(statics.vector("anything").len(), DIMENSIONS);
    assert!(statics.space().as_str().starts_with("local:wl256+lex1280:v1:"));
}
