//! The unsafe border to frames in the memory of a graphics device. It knows pointers and error codes, no encoder.

use std::ffi::CStr;
use std::ptr;

use ffmpeg_next::ffi;
use ffmpeg_next::util::error::ENOMEM;
use ffmpeg_next::{Error, codec, frame};

use super::checked;

/// So many frames there are at once: more than an encoder without pictures between others holds.
const FRAMES: i32 = 20;

/// Frames of 8 bits and 4:2:0 in the memory of a device that VAAPI opens.
pub(in crate::av) struct Pool {
    frames: *mut ffi::AVBufferRef,
}

// SAFETY: the context behind it is used through this value alone, and FFmpeg binds it to no thread.
unsafe impl Send for Pool {}

impl Pool {
    /// Opens a device by its path; without one, whichever VAAPI finds first.
    pub(in crate::av) fn open(width: u32, height: u32, device: Option<&CStr>) -> Result<Self, Error> {
        let name = device.map_or(ptr::null(), CStr::as_ptr);
        let kind = ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI;
        let mut device = ptr::null_mut();
        // SAFETY: the name outlives the call, and none is the default device; `device` is written only when the call succeeds. The frames'
        // context takes a reference of its own to the device, so ours is given back in every case.
        let pool = unsafe {
            checked(ffi::av_hwdevice_ctx_create(&raw mut device, kind, name, ptr::null_mut(), 0))?;
            let frames = ffi::av_hwframe_ctx_alloc(device);
            ffi::av_buffer_unref(&raw mut device);
            if frames.is_null() {
                return Err(Error::Other { errno: ENOMEM });
            }
            Self { frames }
        };
        // SAFETY: the data of such a buffer is this struct, whose fields may be set until it is initialised.
        unsafe {
            let context: *mut ffi::AVHWFramesContext = (*pool.frames).data.cast();
            (*context).format = ffi::AVPixelFormat::AV_PIX_FMT_VAAPI;
            (*context).sw_format = ffi::AVPixelFormat::AV_PIX_FMT_NV12;
            (*context).width = width as i32;
            (*context).height = height as i32;
            (*context).initial_pool_size = FRAMES;
            checked(ffi::av_hwframe_ctx_init(pool.frames))?;
        }
        Ok(pool)
    }

    /// Tells an encoder, before it is opened, that its frames come from here.
    pub(in crate::av) fn feed(&self, context: &mut codec::Context) -> Result<(), Error> {
        // SAFETY: the context is not open yet; it frees its reference by itself.
        unsafe {
            let own = ffi::av_buffer_ref(self.frames);
            if own.is_null() {
                return Err(Error::Other { errno: ENOMEM });
            }
            (*context.as_mut_ptr()).hw_frames_ctx = own;
        }
        Ok(())
    }

    /// The same picture in the device's memory, with its time and its colours.
    pub(in crate::av) fn upload(&self, from: &frame::Video) -> Result<frame::Video, Error> {
        let mut to = frame::Video::empty();
        // SAFETY: both frames are valid; the empty one takes a buffer of the pool, which it gives back when dropped.
        unsafe {
            checked(ffi::av_hwframe_get_buffer(self.frames, to.as_mut_ptr(), 0))?;
            checked(ffi::av_hwframe_transfer_data(to.as_mut_ptr(), from.as_ptr(), 0))?;
            checked(ffi::av_frame_copy_props(to.as_mut_ptr(), from.as_ptr()))?;
        }
        Ok(to)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: allocated by `av_hwframe_ctx_alloc`, freed once.
        unsafe { ffi::av_buffer_unref(&raw mut self.frames) };
    }
}
