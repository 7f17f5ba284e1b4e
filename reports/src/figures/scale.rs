//! The scale of an axis of counts.
//!
//! What always holds: it begins at zero, holds the largest number, and its steps are 1, 2 or 5 times a power of ten.

/// An axis from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    /// Its upper end, a multiple of the step; never zero.
    pub(super) top: i64,
    pub(super) step: i64,
}

impl Scale {
    /// The smallest that holds a number, of at most so many steps.
    pub(super) fn holding(largest: i64, steps: i64) -> Self {
        let largest = largest.max(1);
        let mut step = 1_i64;
        for factor in [2, 5, 10].into_iter().cycle() {
            if largest.div_euclid(step) + i64::from(largest % step > 0) <= steps {
                break;
            }
            // 1, 2, 5, 10, 20, 50, ...
            let leading = if factor == 2 { step } else { step / if factor == 5 { 2 } else { 5 } };
            step = leading.saturating_mul(factor);
        }
        let whole = largest / step + i64::from(largest % step > 0);
        Self { top: whole.saturating_mul(step), step }
    }

    /// How far up a number lies, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a coordinate has one decimal")]
    pub(super) fn share(self, n: i64) -> f64 {
        n.clamp(0, self.top) as f64 / self.top as f64
    }

    /// Where lines stand.
    pub(super) fn ticks(self) -> impl Iterator<Item = i64> {
        (0..=self.top / self.step).map(move |i| i * self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_holds_its_numbers_in_round_steps() {
        let of = |n| {
            let scale = Scale::holding(n, 4);
            (scale.top, scale.step)
        };
        assert_eq!(of(0), (1, 1));
        assert_eq!(of(4), (4, 1));
        assert_eq!(of(5), (6, 2));
        assert_eq!(of(17), (20, 5));
        assert_eq!(of(312), (400, 100));
        assert_eq!(of(1702), (2000, 500));
        assert_eq!(of(1_234_567_890), (1_500_000_000, 500_000_000));
        for n in 0..5000 {
            let scale = Scale::holding(n, 4);
            assert!(
                scale.top >= n && scale.ticks().count() <= 5 && scale.top - n.max(1) < scale.step,
                "{n}: {scale:?}"
            );
        }
    }
}
