//! Pictures as arrays: grey or coloured, as large as the screen or smaller.

use gameboy::{Frame, GameBoy, HEIGHT, WIDTH};
use pyo3::PyResult;
use pyo3::exceptions::PyValueError;

/// How a picture is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    channels: usize,
    downscale: usize,
}

impl Format {
    /// 1 (grey), 3 (RGB) or 4 (RGBA) channels; each pixel the mean of a square of `downscale`.
    pub(crate) fn new(channels: usize, downscale: usize) -> PyResult<Self> {
        if !matches!(channels, 1 | 3 | 4) {
            return Err(PyValueError::new_err(format!(
                "channels is {channels}; choose 1 (grey), 3 (RGB) or 4 (RGBA)"
            )));
        }
        if downscale == 0 || downscale > HEIGHT {
            return Err(PyValueError::new_err(format!(
                "downscale is {downscale}; choose 1 to {HEIGHT}"
            )));
        }
        Ok(Self {
            channels,
            downscale,
        })
    }

    /// Height, width and channels.
    pub(crate) fn shape(&self) -> [usize; 3] {
        [
            HEIGHT / self.downscale,
            WIDTH / self.downscale,
            self.channels,
        ]
    }

    pub(crate) fn bytes(&self) -> usize {
        self.shape().iter().product()
    }

    /// Writes the machine's picture; `out` has [`Self::bytes`] bytes.
    pub(crate) fn write(&self, machine: &GameBoy, out: &mut [u8]) {
        match (machine.frame(), self.channels, self.downscale) {
            (Frame::Shades(shades), 1, 1) => {
                for (byte, shade) in out.iter_mut().zip(shades) {
                    *byte = grey(*shade);
                }
            }
            (Frame::Shades(shades), channels, 1) => {
                for (pixel, shade) in out.chunks_exact_mut(channels).zip(shades) {
                    write_pixel(pixel, [grey(*shade); 3]);
                }
            }
            (Frame::Colors(colors), channels, 1) => {
                for (pixel, color) in out.chunks_exact_mut(channels).zip(colors) {
                    write_pixel(pixel, rgb(*color));
                }
            }
            (Frame::Shades(shades), ..) => self.write_means(out, |at| [grey(shades[at]); 3]),
            (Frame::Colors(colors), ..) => self.write_means(out, |at| rgb(colors[at])),
        }
    }

    fn write_means(&self, out: &mut [u8], pixel_at: impl Fn(usize) -> [u8; 3]) {
        let [_, width, channels] = self.shape();
        let side = self.downscale;
        let count = (side * side) as u32;
        for (at, pixel) in out.chunks_exact_mut(channels).enumerate() {
            let (row, column) = (at / width * side, at % width * side);
            let mut sums = [0u32; 3];
            for y in row..row + side {
                for x in column..column + side {
                    for (sum, part) in sums.iter_mut().zip(pixel_at(y * WIDTH + x)) {
                        *sum += u32::from(part);
                    }
                }
            }
            write_pixel(pixel, sums.map(|sum| ((sum + count / 2) / count) as u8));
        }
    }
}

/// A shade, light to dark, as PyBoy shows it.
fn grey(shade: u8) -> u8 {
    // Comparisons instead of a table: compilers make vector instructions of them.
    let is = |value: u8, byte: u8| if shade == value { byte } else { 0 };
    is(0, 0xFF) | is(1, 0x99) | is(2, 0x55)
}

/// Red, green and blue of a colour; five bits become eight as in PyBoy.
fn rgb(color: u16) -> [u8; 3] {
    [color, color >> 5, color >> 10].map(|part| ((part & 0x1F) as u8) << 3)
}

fn write_pixel(pixel: &mut [u8], [red, green, blue]: [u8; 3]) {
    match pixel {
        [grey] => {
            let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
            *grey = (sum >> 8) as u8;
        }
        [r, g, b] => (*r, *g, *b) = (red, green, blue),
        [r, g, b, a] => (*r, *g, *b, *a) = (red, green, blue, 0xFF),
        _ => {}
    }
}
