//! How wide a text can get, without a font.
//!
//! What always holds: a width is that of the widest font that a page is likely to fall back to (DejaVu Sans, Verdana), so
//! that what fits here fits everywhere; the same text has the same width on every machine.

/// Widths in hundredths of the font size.
const fn advance(c: char) -> u32 {
    match c {
        'i' | 'j' | 'l' | '\'' | 'í' => 28,
        ' ' | '\u{a0}' | ',' | '.' | '/' | ':' | ';' | '|' | '\\' | 'f' | '-' | '·' => 37,
        '(' | ')' | '[' | ']' | 't' | 'r' | '!' | 'I' | 'J' | 'Í' => 46,
        '"' | '*' | '_' | '`' | 's' | 'z' | '?' | '¿' | 'c' | '–' | '“' | '”' | '«' | '»' => 57,
        'm' | '—' | '…' | '%' | 'W' | '@' => 100,
        'w' | 'M' | 'H' | 'N' | 'O' | 'Q' | 'D' | 'G' | 'Ó' | 'Ñ' | '<' | '>' | '=' | '+' | '~' | '^' | '#' | '&'
        | '×' => 87,
        'A'..='Z' | 'Á' | 'É' | 'Ú' | 'Ü' => 75,
        'a'..='z' | '0'..='9' | 'á' | 'é' | 'ó' | 'ú' | 'ü' | 'ñ' | '$' | '{' | '}' => 64,
        _ => 100,
    }
}

/// How much wider a bold text is, in hundredths.
const BOLD: u32 = 118;

/// The width of a text of this font size.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let hundredths: u32 = text.chars().map(advance).sum();
    f64::from(hundredths) * size / 100.0 * if bold { f64::from(BOLD) / 100.0 } else { 1.0 }
}

/// Lines of words, each within a width. A word that is wider alone stands alone.
pub(super) fn wrap(text: &str, within: f64, size: f64, bold: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, bold) <= within => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_within_its_width() {
        let text = "entry without a judge's warrant, and what else was told of";
        let lines = wrap(text, 120.0, 11.0, true);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 11.0, true) <= 120.0), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        assert_eq!(wrap("condado", 10.0, 11.0, false), ["condado"]);
    }

    /// Advance widths of DejaVu Sans in hundredths of an em, rounded up, from space to tilde.
    const DEJAVU: [u32; 95] = [
        32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34,
        84, 84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74, 69,
        99, 69, 62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42,
        53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,
    ];

    #[test]
    fn no_letter_is_taken_for_narrower_than_a_wide_font_has_it() {
        for (c, wide) in (' '..='~').zip(DEJAVU) {
            assert!(advance(c) >= wide, "{c:?}: {} < {wide}", advance(c));
        }
    }
}
