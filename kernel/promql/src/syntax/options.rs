/// Which experimental parts of the language are on; by default none is, as in Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Experimental functions, `limitk` and `limit_ratio`.
    pub experimental_functions: bool,
    /// The modifiers `anchored` and `smoothed`.
    pub extended_range_selectors: bool,
    /// The modifiers `fill`, `fill_left` and `fill_right`.
    pub fill_modifiers: bool,
}

impl Options {
    /// Everything on.
    pub fn all() -> Self {
        Self {
            experimental_functions: true,
            extended_range_selectors: true,
            fill_modifiers: true,
        }
    }
}
