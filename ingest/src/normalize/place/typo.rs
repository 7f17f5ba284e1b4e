//! Slips of the keyboard: the optimal string alignment distance (Damerau-Levenshtein with no second edit inside a
//! swapped pair), bounded.
//!
//! What always holds: no allocation; `within` answers exactly the distance when it is `limit` or less, and nothing when
//! it is more.

/// Names longer than this are not compared.
pub(super) const LONGEST: usize = 32;

/// Which letters a name has, one bit a letter (digits share the last bits): two names within `d` edits differ in at
/// most `2 * d` bits, which rules out nearly all names without a look at their letters.
pub(super) fn letters(name: &[u8]) -> u32 {
    name.iter().fold(0, |mask, byte| mask | 1 << (byte % 32))
}

/// The distance between two names, if it is `limit` or less.
pub(super) fn within(a: &[u8], b: &[u8], limit: usize) -> Option<usize> {
    if a.len() > LONGEST || b.len() > LONGEST || a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut rows = [[0_u8; LONGEST + 1]; 3];
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j as u8;
    }
    for i in 1..=a.len() {
        let [before, last, now] = match i % 3 {
            1 => [2, 0, 1],
            2 => [0, 1, 2],
            _ => [1, 2, 0],
        };
        rows[now][0] = i as u8;
        let mut least = rows[now][0];
        for j in 1..=b.len() {
            let same = a[i - 1] == b[j - 1];
            let mut cost = (rows[last][j - 1] + u8::from(!same)).min(rows[last][j] + 1).min(rows[now][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(rows[before][j - 2] + 1);
            }
            rows[now][j] = cost;
            least = least.min(cost);
        }
        if usize::from(least) > limit + 1 {
            return None;
        }
    }
    let distance = usize::from(rows[a.len() % 3][b.len()]);
    (distance <= limit).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_four_slips() {
        for (a, b, d) in [
            ("seattle", "seattle", 0),
            ("seatle", "seattle", 1),
            ("seatrtle", "seattle", 1),
            ("portlnad", "portland", 1),
            ("lyndem", "lynden", 1),
            ("grenshan", "gresham", 2),
            ("wentachee", "wenatchee", 1),
            ("", "ab", 2),
        ] {
            assert_eq!(within(a.as_bytes(), b.as_bytes(), 2), Some(d), "{a} {b}");
            assert_eq!(within(b.as_bytes(), a.as_bytes(), 2), Some(d), "{b} {a}");
            let differ = (letters(a.as_bytes()) ^ letters(b.as_bytes())).count_ones();
            assert!(differ <= 2 * d as u32);
        }
        assert_eq!(within(b"kent", b"burien", 2), None);
        assert_eq!(within(&[b'a'; 40], &[b'a'; 40], 2), None);
    }
}
