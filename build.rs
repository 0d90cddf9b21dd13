//! Links the binary to a fixed address. The registry is some twenty thousand pointers: in a program that can be loaded
//! anywhere each of them takes 24 more bytes (a sixteenth of the binary) and is worked out anew at every start.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let says = |name: &str, word: &str| std::env::var(name).is_ok_and(|value| value.split(',').any(|one| one == word));
    // Where all is linked statically, the compiler brings start-up code of its own for either kind.
    let shared = says("CARGO_CFG_TARGET_ENV", "gnu") && !says("CARGO_CFG_TARGET_FEATURE", "crt-static");
    if says("CARGO_CFG_TARGET_OS", "linux") && shared {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
