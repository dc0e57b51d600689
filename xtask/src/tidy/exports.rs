//! What a module re-exports is listed by name, so that its public face can be read.

use syn::visit::{self, Visit};
use syn::{ItemUse, UseTree, Visibility};

use super::finding::Finding;
use super::tree::{TextFile, Tree};

/// The module that holds what the build generates: its contract file is its list.
const GENERATED: &str = "generated";

/// Refuses `pub use path::*`, except of a module named `generated`.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files_ending(".rs").flat_map(check_file).collect()
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    // What does not parse is reported with the functions.
    let Ok(syntax) = syn::parse_file(&file.text) else {
        return Vec::new();
    };
    let mut globs = Globs {
        path: &file.path,
        findings: Vec::new(),
    };
    globs.visit_file(&syntax);
    globs.findings
}

struct Globs<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for Globs<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !matches!(item.vis, Visibility::Inherited) && has_glob(&item.tree) {
            let line = item.use_token.span.start().line;
            self.findings.push(Finding::new(
                self.path,
                line,
                "glob re-export",
                "list what is exported by name, sorted",
            ));
        }
        visit::visit_item_use(self, item);
    }
}

fn has_glob(tree: &UseTree) -> bool {
    match tree {
        UseTree::Path(path) => path.ident != GENERATED && has_glob(&path.tree),
        UseTree::Group(group) => group.items.iter().any(has_glob),
        UseTree::Glob(_) => true,
        UseTree::Name(_) | UseTree::Rename(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_by_name_pass() {
        let text = "mod a;\npub use a::{B, C};\nuse std::io::*;\npub use generated::*;\n";
        assert!(check(&Tree::of(&[("kernel/a/src/lib.rs", text)])).is_empty());
    }

    #[test]
    fn glob_exports_are_found_in_groups_too() {
        let text = "mod a;\npub use a::*;\npub(crate) use a::{b, c::*};\n";
        let found = check(&Tree::of(&[("kernel/a/src/lib.rs", text)]));
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), [2, 3]);
    }
}
