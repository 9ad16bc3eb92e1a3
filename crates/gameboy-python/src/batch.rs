//! Many Game Boys with one ROM, stepped side by side by a pool of threads.

use gameboy::{GameBoy, Rom};
use numpy::{PyReadonlyArray1, PyReadwriteArray2, PyReadwriteArray4, PyUntypedArrayMethods};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::{guarded, value_error};
use crate::machine::{model_named, registers};
use crate::picture::Format;

/// One machine of a batch and where its results go.
struct Lane<'a> {
    machine: &'a mut GameBoy,
    picture: Option<&'a mut [u8]>,
    watched: Option<&'a mut [u8]>,
}

/// Game Boys that run the same ROM.
#[pyclass(module = "envlift_gameboy")]
pub(crate) struct Batch {
    machines: Vec<GameBoy>,
    pool: ThreadPool,
    format: Format,
    watch: Vec<u16>,
    state: Vec<u8>,
}

type Pictures<'py> = Option<PyReadwriteArray4<'py, u8>>;
type Watched<'py> = Option<PyReadwriteArray2<'py, u8>>;

#[pymethods]
impl Batch {
    #[new]
    #[pyo3(signature = (rom, num_envs, model = "auto", threads = 0, channels = 1, downscale = 1,
                        watch = Vec::new(), boot_rom = None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        rom: &[u8],
        num_envs: usize,
        model: &str,
        threads: usize,
        channels: usize,
        downscale: usize,
        watch: Vec<u16>,
        boot_rom: Option<&[u8]>,
    ) -> PyResult<Self> {
        if num_envs == 0 || num_envs > 1 << 20 {
            return Err(PyValueError::new_err(format!(
                "num_envs is {num_envs}; choose 1 to {}",
                1 << 20
            )));
        }
        let rom = Rom::new(rom).map_err(value_error)?;
        let model = model_named(model)?;
        let machine = match boot_rom {
            None => GameBoy::new(&rom, model),
            Some(boot) => GameBoy::with_boot_rom(&rom, model, boot).map_err(value_error)?,
        };
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("gameboy-{number}"))
            .build()
            .map_err(value_error)?;
        Ok(Self {
            machines: vec![machine; num_envs],
            pool,
            format: Format::new(channels, downscale)?,
            watch,
            state: Vec::new(),
        })
    }

    fn __len__(&self) -> usize {
        self.machines.len()
    }

    /// Threads that step machines.
    #[getter]
    fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Height, width and channels of a picture.
    #[getter]
    fn picture_shape(&self) -> (usize, usize, usize) {
        let [height, width, channels] = self.format.shape();
        (height, width, channels)
    }

    #[getter]
    fn is_color(&self) -> bool {
        self.machines[0].is_color()
    }

    /// Runs `frames` frames on each machine, holding `buttons` for the first `hold` of them.
    ///
    /// `buttons`: uint8 [N]; `pictures`: uint8 [N, H, W, C], of the last frame, or None;
    /// `watched`: uint8 [N, K], the watched addresses, or None.
    #[pyo3(signature = (buttons, frames, hold, pictures = None, watched = None))]
    fn step<'py>(
        &mut self,
        py: Python<'py>,
        buttons: PyReadonlyArray1<'py, u8>,
        frames: u32,
        hold: u32,
        mut pictures: Pictures<'py>,
        mut watched: Watched<'py>,
    ) -> PyResult<()> {
        let buttons = buttons.as_slice().map_err(value_error)?;
        if buttons.len() != self.machines.len() {
            return Err(PyValueError::new_err(format!(
                "{} actions for {} machines",
                buttons.len(),
                self.machines.len()
            )));
        }
        let pictures = self.picture_slice(&mut pictures)?;
        let watched = self.watched_slice(&mut watched)?;
        let (format, watch, pool) = (self.format, &self.watch, &self.pool);
        let lanes = lanes(
            &mut self.machines,
            pictures,
            watched,
            format.bytes(),
            watch.len(),
        );
        py.detach(|| {
            guarded(|| {
                pool.install(|| {
                    lanes.into_par_iter().zip(buttons).with_max_len(1).for_each(
                        |(lane, pressed)| {
                            for frame in 0..frames {
                                let held = if frame < hold { *pressed } else { 0 };
                                lane.machine.set_buttons(held);
                                let last = frame + 1 == frames;
                                lane.machine.run_frame(last && lane.picture.is_some());
                            }
                            write_results(lane, &format, watch);
                        },
                    );
                });
            })
        })
    }

    /// Writes pictures and watched bytes of all machines, without running them.
    #[pyo3(signature = (pictures = None, watched = None))]
    fn observe<'py>(
        &mut self,
        py: Python<'py>,
        mut pictures: Pictures<'py>,
        mut watched: Watched<'py>,
    ) -> PyResult<()> {
        let pictures = self.picture_slice(&mut pictures)?;
        let watched = self.watched_slice(&mut watched)?;
        let (format, watch) = (self.format, &self.watch);
        let lanes = lanes(
            &mut self.machines,
            pictures,
            watched,
            format.bytes(),
            watch.len(),
        );
        py.detach(|| {
            guarded(|| {
                for lane in lanes {
                    write_results(lane, &format, watch);
                }
            })
        })
    }

    /// Writes the picture and the watched bytes of one machine into its rows.
    #[pyo3(signature = (index, pictures = None, watched = None))]
    fn observe_one<'py>(
        &mut self,
        index: usize,
        mut pictures: Pictures<'py>,
        mut watched: Watched<'py>,
    ) -> PyResult<()> {
        self.check(index)?;
        let (bytes, count) = (self.format.bytes(), self.watch.len());
        let picture = self
            .picture_slice(&mut pictures)?
            .map(|all| &mut all[index * bytes..][..bytes]);
        let watched = self
            .watched_slice(&mut watched)?
            .map(|all| &mut all[index * count..][..count]);
        let (format, watch) = (self.format, &self.watch);
        let machine = &mut self.machines[index];
        let lane = Lane {
            machine,
            picture,
            watched,
        };
        guarded(|| write_results(lane, &format, watch))
    }

    fn save_state<'py>(&mut self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        self.check(index)?;
        self.machines[index].save_state_into(&mut self.state);
        Ok(PyBytes::new(py, &self.state))
    }

    fn load_state(&mut self, index: usize, state: &[u8]) -> PyResult<()> {
        self.check(index)?;
        guarded(|| self.machines[index].load_state(state))?.map_err(value_error)
    }

    /// The 16-bit counter whose high byte is DIV.
    fn set_divider(&mut self, index: usize, counter: u16) -> PyResult<()> {
        self.check(index)?;
        self.machines[index].set_divider(counter);
        Ok(())
    }

    /// Runs one machine alone.
    #[pyo3(signature = (index, buttons, frames, render = false))]
    fn run_one(&mut self, index: usize, buttons: u8, frames: u32, render: bool) -> PyResult<()> {
        self.check(index)?;
        let machine = &mut self.machines[index];
        guarded(|| {
            machine.set_buttons(buttons);
            for frame in 0..frames {
                machine.run_frame(render && frame + 1 == frames);
            }
        })
    }

    fn read(&mut self, index: usize, address: u16) -> PyResult<u8> {
        self.check(index)?;
        guarded(|| self.machines[index].read(address))
    }

    fn write(&mut self, index: usize, address: u16, value: u8) -> PyResult<()> {
        self.check(index)?;
        guarded(|| self.machines[index].write(address, value))
    }

    fn wram<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        self.check(index)?;
        Ok(PyBytes::new(py, self.machines[index].wram()))
    }

    fn vram<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        self.check(index)?;
        Ok(PyBytes::new(py, self.machines[index].vram()))
    }

    fn oam<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        self.check(index)?;
        Ok(PyBytes::new(py, self.machines[index].oam()))
    }

    fn hram<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        self.check(index)?;
        Ok(PyBytes::new(py, self.machines[index].hram()))
    }

    /// As of one [`crate::machine::GameBoy`].
    fn registers<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyDict>> {
        self.check(index)?;
        registers(py, &self.machines[index])
    }

    fn cycles(&self, index: usize) -> PyResult<u64> {
        self.check(index)?;
        Ok(self.machines[index].cycles())
    }
}

impl Batch {
    fn check(&self, index: usize) -> PyResult<()> {
        if index < self.machines.len() {
            Ok(())
        } else {
            Err(PyIndexError::new_err(format!(
                "machine {index} of {}",
                self.machines.len()
            )))
        }
    }

    fn picture_slice<'a>(&self, array: &'a mut Pictures<'_>) -> PyResult<Option<&'a mut [u8]>> {
        let [height, width, channels] = self.format.shape();
        let expected = [self.machines.len(), height, width, channels];
        let Some(array) = array else {
            return Ok(None);
        };
        if array.shape() != expected {
            return Err(shape_error("pictures", array.shape(), &expected));
        }
        array.as_slice_mut().map(Some).map_err(value_error)
    }

    fn watched_slice<'a>(&self, array: &'a mut Watched<'_>) -> PyResult<Option<&'a mut [u8]>> {
        let expected = [self.machines.len(), self.watch.len()];
        let Some(array) = array else {
            return Ok(None);
        };
        if array.shape() != expected {
            return Err(shape_error("watched", array.shape(), &expected));
        }
        array.as_slice_mut().map(Some).map_err(value_error)
    }
}

fn shape_error(name: &str, found: &[usize], expected: &[usize]) -> PyErr {
    PyValueError::new_err(format!(
        "the array {name} has shape {found:?}; make it {expected:?}"
    ))
}

/// Machines, each with its part of the arrays.
fn lanes<'a>(
    machines: &'a mut [GameBoy],
    pictures: Option<&'a mut [u8]>,
    watched: Option<&'a mut [u8]>,
    picture_bytes: usize,
    watched_bytes: usize,
) -> Vec<Lane<'a>> {
    let mut pictures = pictures.map(|all| all.chunks_exact_mut(picture_bytes));
    let mut watched = watched.map(|all| all.chunks_exact_mut(watched_bytes.max(1)));
    machines
        .iter_mut()
        .map(|machine| Lane {
            machine,
            picture: pictures.as_mut().and_then(Iterator::next),
            watched: watched.as_mut().and_then(Iterator::next),
        })
        .collect()
}

fn write_results(lane: Lane<'_>, format: &Format, watch: &[u16]) {
    if let Some(picture) = lane.picture {
        format.write(lane.machine, picture);
    }
    if let Some(watched) = lane.watched {
        for (byte, address) in watched.iter_mut().zip(watch) {
            *byte = lane.machine.read(*address);
        }
    }
}
