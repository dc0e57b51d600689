use super::Capabilities;

impl Capabilities {
    /// What the table says about each claim: its name, and whether it is claimed.
    fn rows(&self) -> [(&'static str, String); 10] {
        let claim = |is_claimed| if is_claimed { "yes" } else { "no" }.to_owned();
        [
            ("start by time", claim(self.start_by_time)),
            ("delayed nak", claim(self.delayed_nak)),
            ("durable", claim(self.durable)),
            ("keyed consumers", claim(self.keyed)),
            ("consumers removed when unused", claim(self.inactive_after)),
            ("extend", claim(self.extend)),
            ("seek", claim(self.seek)),
            ("compaction", claim(self.compaction)),
            ("replay", claim(self.replay)),
            ("events of one batch", self.batch_events_max.to_string()),
        ]
    }
}

/// What engines claim, as a Markdown table with one column for each of them, by name.
pub fn table(engines: &[(&str, Capabilities)]) -> String {
    let mut text = String::from("| capability |");
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<_> = cells.map(|cell| format!(" {cell} |")).collect();
        cells.concat() + "\n"
    };
    text += &line(&mut engines.iter().map(|(name, _)| (*name).to_owned()));
    text += "|---|";
    text += &("---|".repeat(engines.len()) + "\n");
    let columns: Vec<_> = engines.iter().map(|(_, claims)| claims.rows()).collect();
    let names = columns
        .first()
        .map(|rows| rows.each_ref().map(|(name, _)| *name));
    for (index, name) in names.into_iter().flatten().enumerate() {
        text += &format!("| {name} |");
        text += &line(&mut columns.iter().map(|rows| rows[index].1.clone()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_has_a_column() {
        let all = Capabilities {
            start_by_time: true,
            delayed_nak: true,
            durable: true,
            keyed: true,
            inactive_after: true,
            extend: true,
            seek: true,
            compaction: true,
            replay: true,
            batch_events_max: 1_000,
        };
        let less = Capabilities { seek: false, ..all };
        let text = table(&[("embedded", all), ("other", less)]);
        assert!(
            text.starts_with("| capability | embedded | other |\n|---|---|---|\n"),
            "{text}"
        );
        assert!(text.contains("| seek | yes | no |\n"), "{text}");
        assert!(
            text.ends_with("| events of one batch | 1000 | 1000 |\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 12);
    }
}
