use portique_series::Labels;

use crate::scrape::config::ScrapeLimits;

/// So much of a long text is shown.
const SHOWN_CHARS_MAX: usize = 50;

/// # Errors
/// Which limit the labels pass, in Prometheus' words.
pub(super) fn check(labels: &Labels, limits: &ScrapeLimits) -> Result<(), String> {
    let metric = cut(labels.metric());
    let count = labels.len();
    if limits.labels > 0 && count > limits.labels {
        return Err(format!(
            "label_limit exceeded (metric: {metric}, number of labels: {count}, limit: {})",
            limits.labels
        ));
    }
    let is_over = |length: usize, limit: usize| limit > 0 && length > limit;
    for (name, value) in labels.iter() {
        let (shown, length) = (cut(name), name.len());
        if is_over(length, limits.label_name_bytes) {
            return Err(format!(
                "label_name_length_limit exceeded (metric: {metric}, label name: {shown}, length: \
                 {length}, limit: {})",
                limits.label_name_bytes
            ));
        }
        let length = value.len();
        if is_over(length, limits.label_value_bytes) {
            return Err(format!(
                "label_value_length_limit exceeded (metric: {metric}, label name: {shown}, value: {:?}, \
                 length: {length}, limit: {})",
                cut(value),
                limits.label_value_bytes
            ));
        }
    }
    Ok(())
}

/// # Errors
/// That there are more samples than the job allows.
pub(super) fn check_samples(kept: usize, limits: &ScrapeLimits) -> Result<(), String> {
    match limits.samples > 0 && kept > limits.samples {
        true => Err(format!(
            "sample_limit exceeded (samples after relabelling: {kept}, limit: {})",
            limits.samples
        )),
        false => Ok(()),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}
