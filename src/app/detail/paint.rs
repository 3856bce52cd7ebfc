//! Draws the raster of pieces. Colours come from the style sheet, so that the canvas follows the theme.

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::grid::{Grid, STATES, tally};

/// Draws all cells on a canvas of this width in CSS pixels. The bitmap gets the size that the screen has pixels for.
pub(super) fn paint(
    canvas: &HtmlCanvasElement,
    width_px: u32,
    grid: &Grid,
    pieces: &[u8],
    marked: Option<u32>,
) -> Result<(), JsValue> {
    let window = gloo::utils::window();
    let Some(style) = window.get_computed_style(canvas)? else {
        return Ok(());
    };
    let colour = |name: &str| style.get_property_value(name);
    let colours = [
        colour("--piece-have")?,
        colour("--piece-checking")?,
        colour("--piece-partial")?,
        colour("--piece-missing")?,
        colour("--piece-unavailable")?,
        colour("--piece-skipped")?,
    ];
    let Some(context) =
        canvas.get_context("2d")?.and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok())
    else {
        return Ok(());
    };
    let scale = window.device_pixel_ratio().max(1.0);
    let in_pixels = |css_px: u32| (f64::from(css_px) * scale).round() as u32;
    let (width, height) = (width_px, grid.rows * grid.side_px);
    // Setting a size clears the bitmap, and costs an allocation.
    if (canvas.width(), canvas.height()) != (in_pixels(width), in_pixels(height)) {
        canvas.set_width(in_pixels(width));
        canvas.set_height(in_pixels(height));
    }
    context.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0)?;
    context.clear_rect(0.0, 0.0, width.into(), height.into());

    // State by state, since a change of colour costs more than a rectangle.
    let gap_px = if grid.side_px > 5 { 2.0 } else { 1.0 };
    let side = f64::from(grid.side_px) - gap_px;
    for (state, colour) in colours.iter().enumerate() {
        context.set_fill_style_str(colour.trim());
        for cell in 0..grid.cells() {
            let range = grid.pieces_of(cell);
            let Some(inside) = pieces.get(range.start as usize..range.end as usize) else {
                break;
            };
            let counts = tally(inside);
            if counts[state] == 0 {
                continue;
            }
            let share = |count: u32| f64::from(count) / inside.len() as f64 * side;
            let below: f64 = share(counts[..state].iter().sum());
            let (x, y) = corner(grid, cell);
            context.fill_rect(x, y + side - below - share(counts[state]), side, share(counts[state]));
        }
    }
    if let Some(cell) = marked {
        let (x, y) = corner(grid, cell);
        context.set_stroke_style_str(colour("--ink")?.trim());
        context.set_line_width(2.0);
        context.stroke_rect(x + 1.0, y + 1.0, side - 2.0, side - 2.0);
    }
    debug_assert_eq!(colours.len(), STATES.len());
    Ok(())
}

fn corner(grid: &Grid, cell: u32) -> (f64, f64) {
    let (column, row) = (cell % grid.columns, cell / grid.columns);
    (f64::from(column * grid.side_px), f64::from(row * grid.side_px))
}
