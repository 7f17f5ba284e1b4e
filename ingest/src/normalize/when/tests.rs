//! The test data under `testdata`, the shared samples where they are at hand, and texts of no sense.

use super::*;
