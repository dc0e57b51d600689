//! What templates can call: Go's own functions, Prometheus' and Alertmanager's.

mod builtin;
mod links;
mod numbers;
mod texts;
mod times;

use super::context::Context;
use super::value::Value;

/// A function as the table holds it: arguments are counted before it runs.
pub(super) struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    run: Run,
}

type Run = fn(&Context<'_>, &[Value]) -> Result<Value, String>;

/// For functions of any number of arguments.
const ANY: usize = usize::MAX;

const fn function(name: &'static str, least: usize, most: usize, run: Run) -> Function {
    Function {
        name,
        least,
        most,
        run,
    }
}

/// Sorted by name.
const FUNCTIONS: [Function; 58] = [
    function("and", 1, ANY, builtin::last),
    function("append", 1, ANY, builtin::append),
    function("args", 0, ANY, links::args),
    function("date", 2, 2, times::date),
    function("dict", 0, ANY, builtin::dict),
    function("eq", 2, ANY, builtin::eq),
    function("externalURL", 0, 0, links::external_url),
    function("first", 1, 1, links::first),
    function("ge", 2, 2, builtin::ge),
    function("graphLink", 1, 1, links::graph_link),
    function("gt", 2, 2, builtin::gt),
    function("html", 1, ANY, texts::html),
    function("humanize", 1, 1, numbers::humanize),
    function("humanize1024", 1, 1, numbers::humanize_1024),
    function("humanizeDuration", 1, 1, numbers::humanize_duration),
    function("humanizePercentage", 1, 1, numbers::humanize_percentage),
    function("humanizeTimestamp", 1, 1, times::humanize_timestamp),
    function("index", 1, ANY, builtin::index),
    function("join", 2, 2, texts::join),
    function("js", 1, ANY, texts::js),
    function("label", 2, 2, links::label),
    function("le", 2, 2, builtin::le),
    function("len", 1, 1, builtin::len),
    function("list", 0, ANY, builtin::list),
    function("lt", 2, 2, builtin::lt),
    function("match", 2, 2, texts::matches),
    function("ne", 2, 2, builtin::ne),
    function("not", 1, 1, builtin::not),
    function("now", 0, 0, times::now),
    function("or", 1, ANY, builtin::last),
    function("parseDuration", 1, 1, times::parse_duration),
    function("pathPrefix", 0, 0, links::path_prefix),
    function("print", 0, ANY, texts::print),
    function("printf", 1, ANY, texts::printf),
    function("println", 0, ANY, texts::println),
    function("query", 1, 1, links::query),
    function("reReplaceAll", 3, 3, texts::replace_all),
    function("safeHtml", 1, 1, texts::safe_html),
    function("since", 1, 1, times::since),
    function("slice", 1, 4, builtin::slice),
    function("sortByLabel", 2, 2, links::sort_by_label),
    function("stringSlice", 0, ANY, texts::string_slice),
    function("stripDomain", 1, 1, texts::strip_domain),
    function("stripPort", 1, 1, texts::strip_port),
    function("strvalue", 1, 1, links::strvalue),
    function("tableLink", 1, 1, links::table_link),
    function("title", 1, 1, texts::title),
    function("toDuration", 1, 1, times::to_duration),
    function("toJson", 1, 1, texts::to_json),
    function("toLower", 1, 1, texts::to_lower),
    function("toTime", 1, 1, times::to_time),
    function("toUpper", 1, 1, texts::to_upper),
    function("trimSpace", 1, 1, texts::trim_space),
    function("tz", 2, 2, times::tz),
    function("urlQueryEscape", 1, 1, texts::url_query_escape),
    function("urlUnescape", 1, 1, texts::url_unescape),
    function("urlquery", 1, ANY, texts::url_query),
    function("value", 1, 1, links::value),
];

/// Whether there is a function of this name.
pub(super) fn exists(name: &str) -> bool {
    find(name).is_some()
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Calls a function.
pub(super) fn call(
    name: &str,
    context: &Context<'_>,
    arguments: &[Value],
) -> Result<Value, String> {
    let function = find(name).ok_or_else(|| format!("there is no function {name:?}"))?;
    let count = arguments.len();
    if (function.least..=function.most).contains(&count) {
        return (function.run)(context, arguments).map_err(|problem| format!("{name}: {problem}"));
    }
    let wanted = match (function.least, function.most) {
        (least, most) if least == most => least.to_string(),
        (least, ANY) => format!("at least {least}"),
        (least, most) => format!("{least} to {most}"),
    };
    Err(format!("{name} takes {wanted} arguments, not {count}"))
}

/// A text, or why it is none.
fn text(value: &Value) -> Result<&str, String> {
    let found = value.as_text();
    found.ok_or_else(|| format!("takes a text, not a {}", value.kind()))
}
