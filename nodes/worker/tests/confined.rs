//! What a confined process may still do, and what not. One test in a program of its own: the bars never come
//! down again, and one of them is around all threads.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread;

use reel_engine::executor::frames::Confinement;
use reel_worker::confine::confine;

#[test]
fn a_confined_process_does_its_work_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["scratch", "project", "elsewhere"] {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("file"), "content").unwrap();
    }
    let wanted = Confinement {
        read: vec![at("project"), at("not there")],
        write: vec![at("scratch")],
        execute: vec!["/bin/echo".into()],
        ..Confinement::default()
    };
    let confined = confine(&wanted);
    println!("confined: {confined:?}");

    // What the work needs.
    assert_eq!(fs::read_to_string(at("project/file")).unwrap(), "content");
    fs::write(at("scratch/new"), "x").unwrap();
    fs::create_dir_all(at("scratch/a/b")).unwrap();
    fs::rename(at("scratch/new"), at("scratch/a/b/moved")).unwrap();
    fs::write(at("scratch/a/b/moved"), "shorter").unwrap();
    fs::remove_dir_all(at("scratch/a")).unwrap();
    fs::write("/dev/null", "x").unwrap();
    assert!(thread::available_parallelism().unwrap().get() >= 1);
    let threads: Vec<_> = (0..4).map(|n| thread::spawn(move || n * 2)).collect();
    assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<i32>(), 12);
    let echo = Command::new("/bin/echo").arg("hi").output().unwrap();
    assert_eq!(echo.stdout, b"hi\n");

    if confined.landlock {
        let denied = |result: std::io::Result<()>| result.unwrap_err().kind() == ErrorKind::PermissionDenied;
        assert!(denied(fs::read(at("elsewhere/file")).map(drop)));
        assert!(denied(fs::read("/etc/passwd").map(drop)));
        assert!(denied(fs::read_dir("/root").map(drop)));
        assert!(denied(fs::write(at("project/file"), "y")));
        assert!(denied(fs::write(at("elsewhere/new"), "y")));
        assert!(denied(fs::remove_file(at("elsewhere/file"))));
        assert!(denied(fs::rename(at("scratch/file"), at("elsewhere/moved"))));
        assert!(denied(Command::new("/bin/true").status().map(drop)));
        assert!(thread::spawn(move || fs::read("/etc/passwd").is_err()).join().unwrap(), "threads, too");
        assert_eq!(fs::read_to_string(at("project/file")).unwrap(), "content");
    } else {
        println!("skipped: this kernel has no landlock");
    }
    if confined.seccomp {
        assert!(TcpListener::bind("127.0.0.1:0").is_err());
        assert!(UdpSocket::bind("127.0.0.1:0").is_err());
        assert!(UnixListener::bind(at("scratch/socket")).is_err());
        assert!(thread::spawn(|| TcpListener::bind("127.0.0.1:0").is_err()).join().unwrap(), "threads, too");
    } else {
        println!("skipped: this kernel has no seccomp filters");
    }
}
