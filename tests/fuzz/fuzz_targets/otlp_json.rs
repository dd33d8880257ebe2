#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tagout_tests::fuzz::otlp_json(input));
