//! A function fits one screen.

use syn::visit::{self, Visit};
use syn::{Block, Ident, ImplItemFn, ItemFn, TraitItemFn};

use super::finding::Finding;
use super::tree::{TextFile, Tree};

/// One screen: past it, a reader loses the beginning before the end.
const FUNCTION_LINES_MAX: usize = 70;

/// Refuses functions with more than 70 lines between their braces, tests included.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files_ending(".rs").flat_map(check_file).collect()
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let syntax = match syn::parse_file(&file.text) {
        Ok(syntax) => syntax,
        Err(error) => {
            let line = error.span().start().line;
            let wrong = format!("does not parse: {error}");
            return vec![Finding::new(&file.path, line, wrong, "write Rust")];
        }
    };
    let mut functions = Functions {
        path: &file.path,
        findings: Vec::new(),
    };
    functions.visit_file(&syntax);
    functions.findings
}

struct Functions<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, name: &Ident, body: &Block) {
        let open = body.brace_token.span.open().start().line;
        let close = body.brace_token.span.close().start().line;
        let lines = (close - open).saturating_sub(1);
        if lines > FUNCTION_LINES_MAX {
            self.findings.push(Finding::new(
                self.path,
                name.span().start().line,
                format!("fn {name} has {lines} lines, more than {FUNCTION_LINES_MAX}"),
                "split it into named phases, a table, or one function per arm",
            ));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig.ident, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig.ident, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(head: &str, lines: usize, tail: &str) -> Vec<Finding> {
        let text = format!("{head}{}{tail}", "    work();\n".repeat(lines));
        check(&Tree::of(&[("kernel/a/src/lib.rs", &text)]))
    }

    #[test]
    fn a_screenful_passes_and_one_line_more_does_not() {
        assert!(findings("fn long() {\n", 70, "}\n").is_empty());
        let found = findings("\nfn long() {\n", 71, "}\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
        assert!(
            found[0].wrong.contains("fn long has 71 lines"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn methods_defaults_and_inner_functions_are_measured() {
        assert_eq!(
            findings("impl A {\nfn long(&self) {\n", 71, "}\n}\n").len(),
            1
        );
        assert_eq!(
            findings("trait A {\nfn long(&self) {\n", 71, "}\n}\n").len(),
            1
        );
        assert_eq!(findings("mod a {\nfn long() {\n", 71, "}\n}\n").len(), 1);
        assert_eq!(
            findings("fn outer() {\nfn long() {\n", 71, "}\n}\n").len(),
            2
        );
    }

    #[test]
    fn what_does_not_parse_is_said() {
        let found = findings("fn {\n", 1, "}\n");
        assert!(found[0].wrong.contains("does not parse"), "{}", found[0]);
    }
}
