//! GPUs, as the driver of NVIDIA tells of them. Its library is looked for at run time; it knows no action.

use nvml_wrapper::enum_wrappers::device::EncoderType;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use crate::claim::Gpu;

/// Sessions at once that every driver of a device with an encoder allows.
const SESSIONS: u32 = 8;

/// The GPUs of this machine, in the order of their driver.
///
/// # Errors
/// Why there are none: no library of the driver, or one that does not answer.
pub fn detect_gpus() -> Result<Vec<Gpu>, String> {
    let nvml = Nvml::init().map_err(|error| match error {
        NvmlError::LibloadingError(_) => "no library of an NVIDIA driver".to_owned(),
        NvmlError::DriverNotLoaded => "the NVIDIA driver is not loaded".to_owned(),
        error => format!("the NVIDIA driver does not answer: {error}"),
    })?;
    let tell = |error: NvmlError| format!("the NVIDIA driver does not tell its devices: {error}");
    let count = nvml.device_count().map_err(tell)?;
    (0..count).map(|index| gpu(&nvml.device_by_index(index)?)).collect::<Result<_, _>>().map_err(tell)
}

fn gpu(device: &Device<'_>) -> Result<Gpu, NvmlError> {
    let encodes = device.encoder_capacity(EncoderType::H264).is_ok_and(|percent| percent > 0);
    Ok(Gpu {
        id: device.uuid()?,
        name: device.name()?,
        memory: device.memory_info()?.total,
        sessions: if encodes { SESSIONS } else { 0 },
    })
}
