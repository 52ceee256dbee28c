//! What this process and all it starts may touch from now on. It knows no action.
//!
//! Three bars, each as far as the kernel has it: landlock (files, TCP, signals), seccomp (system calls), and
//! resource limits. A kernel without one is no error; the level is told to whoever asked.
//!
//! | | may |
//! |---|---|
//! | libraries and their data under `/usr`, `/lib`, and wherever they were loaded from | read |
//! | the project, stored bytes, fonts and models, as named by the other side | read |
//! | scratch, as named by the other side | read and write |
//! | `reel-speak` and the dynamic loader | start |
//! | graphics devices, where one was seen to encode | use, and read what their drivers read |
//! | sockets, tracing, mounts, kernel modules, other namespaces | nothing |
//!
//! A worker that watches what it starts may trace, and read `/proc`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};
use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use reel_engine::executor::frames::{Confined, Confinement};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::identity;

/// Read-only for the libraries inside this process and inside programs it starts.
const SYSTEM: [&str; 15] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/dev/zero",
    "/dev/urandom",
    "/dev/random",
];

/// What their drivers read.
const OF_DRIVERS: [&str; 10] = [
    "/proc/driver/nvidia",
    "/proc/devices",
    "/dev/dri",
    "/sys/bus/pci",
    "/sys/class/drm",
    "/sys/dev/char",
    "/sys/devices",
    "/etc/nvidia",
    "/etc/libva.conf",
    "/etc/drirc",
];

/// System calls that nothing here needs, and that a hostile file would. `io_uring` is among them because it
/// opens sockets without asking the filter.
const FORBIDDEN: [libc::c_long; 27] = [
    libc::SYS_socket,
    libc::SYS_io_uring_setup,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
];

/// Raises all bars around this thread and whatever it starts later.
#[must_use]
pub fn confine(wanted: &Confinement) -> Confined {
    // No core files of what the user feeds in. A limit that cannot be lowered leaves the system's.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let landlock = files(wanted);
    let seccomp = calls(wanted.watch);
    // What is missing is worth a line in the log of the first action, not its failure.
    for missing in [landlock.as_ref().err(), seccomp.as_ref().err()].into_iter().flatten() {
        log(missing);
    }
    Confined { landlock: landlock.unwrap_or(false), seccomp: seccomp.is_ok() }
}

#[expect(clippy::print_stderr, reason = "standard error is the log of a worker")]
fn log(missing: &String) {
    eprintln!("not confined: {missing}");
}

/// Lets files be reached as wanted and in no other way; false where the kernel cannot.
fn files(wanted: &Confinement) -> Result<bool, String> {
    let libraries = identity::libraries();
    let loaders: Vec<&Path> = identity::loader(&libraries).into_iter().collect();
    let folders = libraries.iter().filter_map(|library| library.parent());
    crate::speech::speak::set_libraries(folders.clone().map(Path::to_owned).collect());
    let own = PathBuf::from(format!("/proc/{}", std::process::id()));
    let speaker = crate::speech::speak::program();
    let devices = if wanted.devices { graphics_devices() } else { Vec::new() };
    let ruleset = || -> Result<RulesetStatus, RulesetError> {
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        let start = AccessFs::ReadFile | AccessFs::Execute;
        let using = read | AccessFs::WriteFile | AccessFs::IoctlDev;
        let status = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V5))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .add_rules(path_beneath_rules(SYSTEM, read))?
            .add_rules(path_beneath_rules(folders, read))?
            .add_rules(path_beneath_rules([own], read))?
            .add_rules(path_beneath_rules(wanted.watch.then_some("/proc"), read))?
            .add_rules(path_beneath_rules(&wanted.read, read))?
            .add_rules(path_beneath_rules(&wanted.write, writing()))?
            .add_rules(path_beneath_rules(wanted.devices.then_some(OF_DRIVERS).into_iter().flatten(), read))?
            .add_rules(path_beneath_rules(&devices, using))?
            .add_rules(path_beneath_rules(["/dev/null"], read | AccessFs::WriteFile | AccessFs::Truncate))?
            .add_rules(path_beneath_rules(loaders, start))?
            .add_rules(path_beneath_rules(&wanted.execute, start))?
            .add_rules(path_beneath_rules([speaker], start))?
            .restrict_self()?;
        Ok(status.ruleset)
    };
    ruleset().map(|status| status != RulesetStatus::NotEnforced).map_err(|error| error.to_string())
}

/// The graphics devices of this machine.
fn graphics_devices() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let of_nvidia = entries
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"nvidia")));
    // Not those that set what a screen shows: `card0` and its like.
    crate::av::hardware::render_nodes().into_iter().chain(of_nvidia).collect()
}

/// Everything a scratch folder is for: no programs, no devices, no sockets.
fn writing() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::MakeSym
        | AccessFs::Refer
}

/// Makes the forbidden system calls fail with "operation not permitted".
fn calls(watch: bool) -> Result<(), String> {
    let allowed = |call: &libc::c_long| watch && *call == libc::SYS_ptrace;
    let forbidden = FORBIDDEN.into_iter().filter(|call| !allowed(call));
    let rules: BTreeMap<i64, Vec<_>> = forbidden.map(|call| (call, Vec::new())).collect();
    let arch = std::env::consts::ARCH.try_into().map_err(|error| format!("{error:?}"))?;
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let filter =
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).map_err(|error| error.to_string())?;
    let program: BpfProgram =
        filter.try_into().map_err(|error: seccompiler::BackendError| error.to_string())?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())
}
