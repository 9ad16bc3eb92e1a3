//! mountain_car: many environments in one library, called with ctypes.

/// Raised whenever a function below changes; `mountain_car/env.py` checks it.
#[no_mangle]
pub extern "C" fn mountain_car_abi_version() -> u32 {
    1
}
