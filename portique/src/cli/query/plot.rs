//! A series over time, drawn with the dots of Braille letters.

use portique_clock::Timestamp;

/// Letters across; with the scale beside them they fit 80 columns.
const COLUMNS: usize = 64;
/// Lines of letters.
const ROWS: usize = 8;
/// Dots of a letter across.
const DOTS_ACROSS: usize = 2;
/// Dots of a letter down.
const DOTS_DOWN: usize = 4;
/// The letter without dots.
const BLANK: u32 = 0x2800;
/// Which bit sets a dot, by line and column of the letter (Unicode, block Braille Patterns).
const DOTS: [[u32; DOTS_ACROSS]; DOTS_DOWN] =
    [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// What is drawn.
pub(super) struct Plot {
    /// Unix milliseconds and values; values that are not finite are left out.
    pub(super) points: Vec<(i64, f64)>,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

impl Plot {
    /// Lines with the scale at their left, and below them the first and last time.
    pub(super) fn render(&self) -> String {
        let points: Vec<_> = self
            .points
            .iter()
            .filter(|(_, value)| value.is_finite())
            .collect();
        let values = || points.iter().map(|(_, value)| *value);
        let (low, high) = (
            values().fold(f64::INFINITY, f64::min),
            values().fold(f64::NEG_INFINITY, f64::max),
        );
        if points.is_empty() {
            return "  no numbers to draw\n".to_owned();
        }
        let mut letters = [[BLANK; COLUMNS]; ROWS];
        for (ms, value) in &points {
            let across = self.across(*ms);
            let down = down(*value, low, high);
            let letter = &mut letters[down / DOTS_DOWN][across / DOTS_ACROSS];
            *letter |= DOTS[down % DOTS_DOWN][across % DOTS_ACROSS];
        }
        let mut text = String::new();
        for (row, letters) in letters.iter().enumerate() {
            let scale = match row {
                0 => number(high),
                _ if row == ROWS - 1 => number(low),
                _ => String::new(),
            };
            let line: String = letters
                .iter()
                .filter_map(|letter| char::from_u32(*letter))
                .collect();
            text.push_str(&format!(
                "{scale:>12} │{}\n",
                line.trim_end_matches('\u{2800}')
            ));
        }
        let (from, to) = (date(self.from_ms), date(self.to_ms));
        let room = COLUMNS.saturating_sub(from.len());
        text.push_str(&format!("{:>12} └{from}{to:>room$}\n", ""));
        text
    }

    /// The column of dots of a time.
    fn across(&self, ms: i64) -> usize {
        let length = self.to_ms.saturating_sub(self.from_ms).max(1) as f64;
        let part = ms.saturating_sub(self.from_ms) as f64 / length;
        place(part, COLUMNS * DOTS_ACROSS)
    }
}

/// The line of dots of a value, from the top.
fn down(value: f64, low: f64, high: f64) -> usize {
    let height = high - low;
    let part = if height > 0.0 {
        (high - value) / height
    } else {
        0.5
    };
    place(part, ROWS * DOTS_DOWN)
}

/// A part between 0 and 1 as one of so many places.
fn place(part: f64, places: usize) -> usize {
    let last = places - 1;
    let place = (part.clamp(0.0, 1.0) * last as f64).round();
    (place as usize).min(last)
}

/// At most eleven letters.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-3..1e9).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let written = format!("{value:.3}");
    written
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

fn date(ms: i64) -> String {
    // To the second.
    let ms = ms.div_euclid(1000).saturating_mul(1000);
    Timestamp::from_millis(ms).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_goes_from_corner_to_corner() {
        let points = (0..=100).map(|i| (i * 1000, i as f64)).collect();
        let plot = Plot {
            points,
            from_ms: 0,
            to_ms: 100_000,
        };
        let text = plot.render();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), ROWS + 1);
        assert!(lines[0].starts_with("         100 │\u{2800}"), "{text}");
        assert!(
            lines[0].ends_with('⠈') || lines[0].ends_with('⠊') || lines[0].ends_with('⠉'),
            "{text}"
        );
        assert!(
            lines[ROWS - 1].starts_with("           0 │⡠")
                || lines[ROWS - 1].starts_with("           0 │⣀"),
            "{text}"
        );
        assert!(lines[ROWS].contains("└1970-01-01T00:00:00Z"), "{text}");
        assert!(lines[ROWS].ends_with("1970-01-01T00:01:40Z"), "{text}");
        assert!(
            lines.iter().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn values_without_a_size_are_left_out() {
        let plot = |points| Plot {
            points,
            from_ms: 0,
            to_ms: 0,
        };
        assert_eq!(plot(vec![(0, f64::NAN)]).render(), "  no numbers to draw\n");
        let flat = plot(vec![(0, 7.5), (0, f64::INFINITY)]).render();
        assert_eq!(flat.matches("7.5").count(), 2, "{flat}");
    }
}
