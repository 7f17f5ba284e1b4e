//! The measures, one table a file: each is a plain function of the cube.

pub mod data_dictionary;
