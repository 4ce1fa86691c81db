//! What the API answers, checked. Pure.

use std::sync::Arc;

use serde::Deserialize;

use crate::embed::DIMENSIONS;

/// Vectors in the order of their texts, and what they cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vectors {
    pub(super) vectors: Vec<Arc<[f32]>>,
    pub(super) tokens: Option<u64>,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("its answer is not what was asked for: {0}")]
    Broken(String),
    #[error("vectors of {0} dimensions came")]
    Dimensions(usize),
}

#[derive(Deserialize)]
struct Body {
    data: Vec<Item>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct Usage {
    total_tokens: u64,
}

/// Reads an answer that is to hold one vector for each of so many texts.
pub(super) fn read(body: &[u8], texts: usize) -> Result<Vectors, Wrong> {
    let body: Body = serde_json::from_slice(body).map_err(|error| Wrong::Broken(error.to_string()))?;
    if body.data.len() != texts {
        return Err(Wrong::Broken(format!("{} vectors for {texts} texts", body.data.len())));
    }
    let mut vectors: Vec<Option<Arc<[f32]>>> = vec![None; texts];
    for Item { index, embedding } in body.data {
        let place = vectors.get_mut(index).filter(|place| place.is_none());
        let place = place.ok_or_else(|| Wrong::Broken(format!("index {index} is no text's, or came twice")))?;
        *place = Some(normal(embedding)?);
    }
    let vectors = vectors.into_iter().flatten().collect();
    Ok(Vectors { vectors, tokens: body.usage.map(|usage| usage.total_tokens) })
}

/// The vector of length 1 in this direction.
fn normal(mut vector: Vec<f32>) -> Result<Arc<[f32]>, Wrong> {
    if vector.len() != DIMENSIONS {
        return Err(Wrong::Dimensions(vector.len()));
    }
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    // Neither NaN nor an infinite number passes here; f64 holds the square of any f32.
    if !length.is_finite() || length <= f64::from(f32::MIN_POSITIVE) {
        return Err(Wrong::Broken("a vector has no direction".to_owned()));
    }
    for x in &mut vector {
        *x = (f64::from(*x) / length) as f32;
    }
    Ok(vector.into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn vector(first: f32, second: f32) -> Value {
        let mut vector = vec![0.0; DIMENSIONS];
        (vector[0], vector[1]) = (first, second);
        json!(vector)
    }

    fn body(data: &Value) -> Vec<u8> {
        json!({ "data": data, "usage": { "prompt_tokens": 5, "total_tokens": 5 } }).to_string().into_bytes()
    }

    #[test]
    fn vectors_stand_in_the_order_of_their_index_and_have_length_one() {
        let data = json!([
            { "index": 1, "embedding": vector(0.0, 3e30) },
            { "index": 0, "embedding": vector(3.0, 4.0) },
        ]);
        let read = read(&body(&data), 2).unwrap();
        let starts: Vec<_> = read.vectors.iter().map(|vector| (vector[0], vector[1])).collect();
        assert_eq!((starts, read.tokens), (vec![(0.6, 0.8), (0.0, 1.0)], Some(5)));
    }

    #[test]
    fn an_answer_that_is_not_one_good_vector_a_text_is_refused() {
        let good = vector(1.0, 0.0);
        let cases = [
            json!([{ "index": 0, "embedding": good }]),
            json!([{ "index": 0, "embedding": good }, { "index": 0, "embedding": good }]),
            json!([{ "index": 0, "embedding": good }, { "index": 2, "embedding": good }]),
            json!([{ "index": 0, "embedding": good }, { "index": 1, "embedding": vector(0.0, 0.0) }]),
            json!([{ "index": 0, "embedding": good }, { "index": 1, "embedding": [null] }]),
            json!([{ "index": 0, "embedding": good }, { "index": 1 }]),
        ];
        for data in cases {
            assert!(matches!(read(&body(&data), 2), Err(Wrong::Broken(_))));
        }
        assert!(matches!(read(b"{\"data\": [{\"index\": 0, \"embe", 1), Err(Wrong::Broken(_))));
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        for bad in ["1e39", "-1e39", "NaN", "null"] {
            let text = String::from_utf8(body(&json!([{ "index": 0, "embedding": vector(1.0, 0.0) }]))).unwrap();
            let text = text.replacen("1.0", bad, 1);
            assert!(matches!(read(text.as_bytes(), 1), Err(Wrong::Broken(_))), "{bad}");
        }
    }

    #[test]
    fn vectors_of_another_dimension_are_refused() {
        let data = json!([{ "index": 0, "embedding": [1.0, 0.0, 0.0] }]);
        assert_eq!(read(&body(&data), 1), Err(Wrong::Dimensions(3)));
    }
}
