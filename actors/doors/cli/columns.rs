//! Rows of text under each other.

use super::paint;

/// Two spaces between the widest cells, no spaces at the ends of lines.
pub(super) fn columns<Row, Cell>(rows: &[Row]) -> String
where
    Row: AsRef<[Cell]>,
    Cell: AsRef<str>,
{
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (at, cell) in row.as_ref().iter().enumerate() {
            let width = paint::width(cell.as_ref());
            match widths.get_mut(at) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.as_ref().iter().zip(&widths).map(|(cell, width)| {
            let gap = width.saturating_sub(paint::width(cell.as_ref()));
            format!("{}{:gap$}", cell.as_ref(), "")
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn cells_stand_under_each_other() {
        let rows = [vec!["Node", "ID", "DC"], vec!["worker-01", "1b662d97", "dc1"], vec!["ü", "", ""]];
        assert_eq!(columns(&rows), "Node       ID        DC\nworker-01  1b662d97  dc1\nü\n");
        assert_eq!(columns(&Vec::<Vec<&str>>::new()), "");
    }
}
