//! How many cells of which size show a torrent's pieces, and what each cell shows.

use engine::PieceState;

/// States in the order of their drawing, from the bottom of a cell to its top, and of the legend.
pub(super) const STATES: [(PieceState, &str, &str); 6] = [
    (PieceState::Have, "have", "verified"),
    (PieceState::Checking, "checking", "being hashed"),
    (PieceState::Partial, "partial", "on the way"),
    (PieceState::Missing, "missing", "missing"),
    (PieceState::Unavailable, "unavailable", "with no peer"),
    (PieceState::Skipped, "skipped", "not wanted"),
];

/// Sides that a cell may have, with its gap, in CSS pixels; the largest that fits is taken.
const CELL_SIDES_PX: [u32; 8] = [20, 16, 14, 12, 10, 8, 6, 5];

/// Place of a state in [`STATES`]; a byte that is none counts as missing.
pub(super) fn place(byte: u8) -> usize {
    STATES.iter().position(|(state, ..)| *state as u8 == byte).unwrap_or(3)
}

/// A raster of cells, filled line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    /// Side of a cell with its gap, in CSS pixels.
    pub(super) side_px: u32,
    /// Cells in a line.
    pub(super) columns: u32,
    /// Lines.
    pub(super) rows: u32,
    /// Pieces in a cell; the last cell may hold fewer.
    pub(super) pieces_per_cell: u32,
    pieces: u32,
}

impl Grid {
    /// The raster with the largest cells that fits; where even the smallest would not, a cell holds several pieces.
    pub(super) fn fit(pieces: u32, width_px: u32, height_max_px: u32) -> Self {
        let smallest = CELL_SIDES_PX[CELL_SIDES_PX.len() - 1];
        let raster = |side_px: u32| ((width_px / side_px).max(1), (height_max_px / side_px).max(1));
        let side_px = CELL_SIDES_PX
            .into_iter()
            .find(|side_px| {
                let (columns, rows) = raster(*side_px);
                columns * rows >= pieces
            })
            .unwrap_or(smallest);
        let (columns, rows_max) = raster(side_px);
        let pieces_per_cell = pieces.div_ceil(columns * rows_max).max(1);
        let cells = pieces.div_ceil(pieces_per_cell);
        Self { side_px, columns, rows: cells.div_ceil(columns).max(1), pieces_per_cell, pieces }
    }

    /// Number of cells.
    pub(super) fn cells(&self) -> u32 {
        self.pieces.div_ceil(self.pieces_per_cell)
    }

    /// Pieces of a cell.
    pub(super) fn pieces_of(&self, cell: u32) -> std::ops::Range<u32> {
        let first = (cell * self.pieces_per_cell).min(self.pieces);
        first..(first + self.pieces_per_cell).min(self.pieces)
    }

    /// The cell at a place of the canvas, in CSS pixels.
    pub(super) fn cell_at(&self, x_px: f64, y_px: f64) -> Option<u32> {
        if x_px < 0.0 || y_px < 0.0 {
            return None;
        }
        let (column, row) = (x_px as u32 / self.side_px, y_px as u32 / self.side_px);
        let cell = row.checked_mul(self.columns)?.checked_add(column)?;
        (column < self.columns && cell < self.cells()).then_some(cell)
    }
}

/// How many pieces are in each of [`STATES`].
pub(super) fn tally(pieces: &[u8]) -> [u32; STATES.len()] {
    let mut counts = [0; STATES.len()];
    for byte in pieces {
        counts[place(*byte)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_lies_in_one_cell_and_the_raster_fits() {
        for pieces in [1, 2, 100, 4096, 24_576, 1_000_003] {
            for width_px in [300, 640, 1200] {
                let grid = Grid::fit(pieces, width_px, 240);
                let covered: u32 = (0..grid.cells()).map(|cell| grid.pieces_of(cell).len() as u32).sum();
                assert_eq!(covered, pieces);
                assert!(grid.columns * grid.side_px <= width_px, "{grid:?}");
                assert!(grid.rows * grid.side_px <= 240, "{grid:?}");
                assert!(grid.columns * grid.rows >= grid.cells(), "{grid:?}");
            }
        }
    }

    #[test]
    fn few_pieces_get_large_cells_and_many_share_one() {
        assert_eq!(Grid::fit(10, 600, 240).side_px, 20);
        assert_eq!(Grid::fit(10, 600, 240).pieces_per_cell, 1);
        assert_eq!(Grid::fit(1_000_000, 600, 240).side_px, 5);
        assert!(Grid::fit(1_000_000, 600, 240).pieces_per_cell > 100);
    }

    #[test]
    fn no_width_and_no_pieces_are_no_fault() {
        assert_eq!(Grid::fit(0, 0, 0).cells(), 0);
        assert_eq!(Grid::fit(5, 0, 0).pieces_of(0), 0..5);
    }

    #[test]
    fn a_place_on_the_canvas_leads_to_its_cell() {
        let grid = Grid::fit(10, 100, 240);
        assert_eq!((grid.side_px, grid.columns), (20, 5));
        assert_eq!(grid.cell_at(21.0, 39.9), Some(6));
        assert_eq!(grid.cell_at(101.0, 0.0), None);
        assert_eq!(grid.cell_at(0.0, 40.0), None);
        assert_eq!(grid.cell_at(-1.0, 0.0), None);
    }

    #[test]
    fn a_tally_counts_each_state() {
        let bytes: Vec<u8> = [PieceState::Have, PieceState::Have, PieceState::Missing, PieceState::Partial]
            .map(|state| state as u8)
            .to_vec();
        assert_eq!(tally(&bytes), [2, 0, 1, 1, 0, 0]);
    }
}
