//! Whoever writes a registry finds an example at each type and function of it, which `cargo test --doc` compiles.

use std::fs;
use std::path::{Path, PathBuf};

/// Deployments of the stock binary, which are examples themselves.
const DEPLOYMENTS: [&str; 5] = ["ai_fsm", "fondation", "plugspace", "prim", "v_edfinance"];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        match path.is_dir() {
            true if DEPLOYMENTS.contains(&name) => {}
            true => sources(&path, found),
            false => found.push(path),
        }
    }
}

fn has_example(attributes: &[syn::Attribute]) -> bool {
    let doc = |attribute: &syn::Attribute| match &attribute.meta {
        syn::Meta::NameValue(syn::MetaNameValue { value: syn::Expr::Lit(text), .. }) => match &text.lit {
            syn::Lit::Str(text) => text.value(),
            _ => String::new(),
        },
        _ => String::new(),
    };
    attributes.iter().any(|attribute| attribute.path().is_ident("doc") && doc(attribute).contains("```"))
}

/// A public item of these kinds: its name, and its attributes.
fn public(item: &syn::Item) -> Option<(&syn::Ident, &[syn::Attribute])> {
    let (vis, name, attributes) = match item {
        syn::Item::Struct(item) => (&item.vis, &item.ident, &item.attrs),
        syn::Item::Enum(item) => (&item.vis, &item.ident, &item.attrs),
        syn::Item::Fn(item) => (&item.vis, &item.sig.ident, &item.attrs),
        syn::Item::Const(item) => (&item.vis, &item.ident, &item.attrs),
        syn::Item::Type(item) => (&item.vis, &item.ident, &item.attrs),
        syn::Item::Static(item) => (&item.vis, &item.ident, &item.attrs),
        _ => return None,
    };
    matches!(vis, syn::Visibility::Public(_)).then_some((name, attributes))
}

#[test]
fn each_public_type_and_function_of_the_registry_has_an_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/registry");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let (mut without, mut count) = (Vec::new(), 0);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let parsed = syn::parse_file(&text).unwrap();
        let relative = path.strip_prefix(&root).unwrap();
        let is_usual = relative.starts_with("usual") || relative == Path::new("usual.rs");
        for item in &parsed.items {
            // Causes of every host are used in one way, which their module shows.
            if is_usual && matches!(item, syn::Item::Static(_)) {
                continue;
            }
            let Some((name, attributes)) = public(item) else { continue };
            count += 1;
            if !has_example(attributes) {
                without.push(format!("{}: {name}", relative.display()));
            }
        }
        if relative == Path::new("usual.rs") {
            assert!(has_example(&parsed.attrs), "usual.rs");
        }
    }
    assert!(count > 90, "{count}");
    assert!(without.is_empty(), "public, without an example:\n{}", without.join("\n"));
}
