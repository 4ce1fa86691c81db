//! The stem of an English word, by Porter's algorithm of 1980 ("An algorithm for suffix stripping", Program 14.3). Frozen:
//! stems are stored in lexemes and vectors.

/// Pairs of a suffix and what stands for it where the stem before it measures more than 0.
const STEP_2: [(&str, &str); 20] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("abli", "able"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
];
const STEP_3: [(&str, &str); 7] =
    [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];
/// Suffixes that go where the stem before them measures more than 1.
const STEP_4: [&str; 19] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
    "ous", "ive", "ize",
];

/// The stem of a word in lower case. What is not all English letters, or is shorter than three, is its own stem.
pub(super) fn stem(word: &str) -> String {
    if word.len() < 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let mut stem = word.to_owned();
    plural(&mut stem);
    past(&mut stem);
    if stem.ends_with('y') && has_vowel(&stem[..stem.len() - 1]) {
        replace_end(&mut stem, 1, "i");
    }
    replace_longest(&mut stem, &STEP_2);
    replace_longest(&mut stem, &STEP_3);
    strip(&mut stem);
    final_letters(&mut stem);
    stem
}

/// Step 1a.
fn plural(word: &mut String) {
    if word.ends_with("sses") || word.ends_with("ies") {
        replace_end(word, 2, "");
    } else if word.ends_with('s') && !word.ends_with("ss") {
        replace_end(word, 1, "");
    }
}

/// Step 1b.
fn past(word: &mut String) {
    if word.ends_with("eed") {
        if measure(&word[..word.len() - 3]) > 0 {
            replace_end(word, 1, "");
        }
        return;
    }
    let Some(suffix) = ["ed", "ing"].into_iter().find(|suffix| word.ends_with(suffix)) else { return };
    if !has_vowel(&word[..word.len() - suffix.len()]) {
        return;
    }
    replace_end(word, suffix.len(), "");
    if ["at", "bl", "iz"].iter().any(|end| word.ends_with(end)) {
        word.push('e');
    } else if ends_double(word) && !word.ends_with(['l', 's', 'z']) {
        word.pop();
    } else if measure(word) == 1 && ends_short(word) {
        word.push('e');
    }
}

/// Steps 2 and 3: the longest suffix of the list that the word has decides alone.
fn replace_longest(word: &mut String, pairs: &[(&str, &str)]) {
    let longest = pairs.iter().filter(|(suffix, _)| word.ends_with(suffix)).max_by_key(|(suffix, _)| suffix.len());
    if let Some((suffix, instead)) = longest
        && measure(&word[..word.len() - suffix.len()]) > 0
    {
        replace_end(word, suffix.len(), instead);
    }
}

/// Step 4.
fn strip(word: &mut String) {
    let longest = STEP_4.iter().filter(|suffix| word.ends_with(*suffix)).max_by_key(|suffix| suffix.len());
    let Some(suffix) = longest else { return };
    let before = &word[..word.len() - suffix.len()];
    if measure(before) > 1 && (*suffix != "ion" || before.ends_with(['s', 't'])) {
        replace_end(word, suffix.len(), "");
    }
}

/// Step 5.
fn final_letters(word: &mut String) {
    if let Some(before) = word.strip_suffix('e') {
        let measure = measure(before);
        if measure > 1 || measure == 1 && !ends_short(before) {
            word.pop();
        }
    }
    if word.ends_with("ll") && measure(word) > 1 {
        word.pop();
    }
}

fn replace_end(word: &mut String, bytes: usize, instead: &str) {
    word.truncate(word.len() - bytes);
    word.push_str(instead);
}

/// Which letters are vowels; `y` is one after a consonant.
fn vowels(word: &str) -> impl Iterator<Item = bool> + '_ {
    word.bytes().scan(true, |after_vowel, letter| {
        let vowel = matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u') || letter == b'y' && !*after_vowel;
        *after_vowel = vowel;
        Some(vowel)
    })
}

fn has_vowel(word: &str) -> bool {
    vowels(word).any(|vowel| vowel)
}

/// How many times a consonant follows a vowel: about the number of syllables.
fn measure(word: &str) -> usize {
    let mut before = false;
    vowels(word).filter(|&vowel| std::mem::replace(&mut before, vowel) && !vowel).count()
}

fn ends_double(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() > 1 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2] && vowels(word).last() == Some(false)
}

/// Consonant, vowel, consonant, and the last is not `w`, `x` or `y`.
fn ends_short(word: &str) -> bool {
    let vowels: Vec<bool> = vowels(word).collect();
    matches!(vowels[..], [.., false, true, false]) && !word.ends_with(['w', 'x', 'y'])
}
