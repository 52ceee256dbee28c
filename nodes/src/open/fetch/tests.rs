//! Tests of `fetch`, against servers of this machine.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use super::*;

/// Answers each connection with the next of `answers`, in a thread of its own.
fn serve(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            let _ = stream.write_all(&answer);
        }
    });
    format!("http://{address}")
}

fn ok(body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

fn fetch(url: &str, content: Content, network: Network, scratch: &Path) -> Result<Outcome, Failure> {
    let params = Params { url: url.into(), content, limit: Bytes(1 << 16) };
    let value = serde_json::to_value(&params).unwrap();
    let call =
        Call { params: &value, inputs: &[], scratch, progress: &|_| {}, cancelled: &|| false, gpus: &[] };
    Fetch { network }.run(params, &call)
}

const PRIVATE: Network = Network { offline: false, allow_private: true };
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

#[test]
fn bytes_come_through_redirects_and_are_what_they_claim() {
    let scratch = tempfile::tempdir().unwrap();
    let url = serve(vec![redirect("/there"), ok(PNG)]);
    let outcome = fetch(&format!("{url}/here"), Content::Image, PRIVATE, scratch.path()).unwrap();
    assert_eq!(outcome.produced[0].media, "image/png");
    assert_eq!(std::fs::read(scratch.path().join("fetched")).unwrap(), PNG);
}

#[test]
fn a_page_in_place_of_a_picture_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let url = serve(vec![ok(b"<!DOCTYPE html><p>sign in</p>")]);
    let failure = fetch(&url, Content::Image, PRIVATE, scratch.path()).unwrap_err();
    assert!(failure.message.ends_with("is not a picture: it is text/html"), "{failure}");
}

#[test]
fn private_addresses_are_refused_at_once_and_behind_a_redirect() {
    let scratch = tempfile::tempdir().unwrap();
    let url = serve(vec![ok(PNG)]);
    let failure = fetch(&url, Content::File, Network::default(), scratch.path()).unwrap_err();
    assert_eq!(failure.code, FailureCode::Network);
    assert!(failure.message.contains("is at 127.0.0.1, which is not on the public network"), "{failure}");
    let mapped = fetch("http://[::ffff:127.0.0.1]/", Content::File, Network::default(), scratch.path());
    assert!(mapped.unwrap_err().message.contains("not on the public network"));
}

#[test]
fn too_much_too_many_redirects_and_refusals_end_it() {
    let scratch = tempfile::tempdir().unwrap();
    let url = serve(vec![ok(&[b'x'; 70_000])]);
    assert!(
        fetch(&url, Content::File, PRIVATE, scratch.path())
            .unwrap_err()
            .message
            .contains("larger than 65536")
    );
    let endless = serve((0..7).map(|_| redirect("/again")).collect());
    assert!(
        fetch(&endless, Content::File, PRIVATE, scratch.path()).unwrap_err().message.contains("5 redirects")
    );
    let gone = serve(vec![b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()]);
    assert!(
        fetch(&gone, Content::File, PRIVATE, scratch.path()).unwrap_err().message.ends_with("404 Not Found")
    );
    let elsewhere = serve(vec![redirect("file:///etc/passwd")]);
    assert!(fetch(&elsewhere, Content::File, PRIVATE, scratch.path()).is_err());
    let cut = serve(vec![b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec()]);
    assert!(fetch(&cut, Content::File, PRIVATE, scratch.path()).is_err());
}

#[test]
fn offline_asks_nobody() {
    let scratch = tempfile::tempdir().unwrap();
    let network = Network { offline: true, allow_private: true };
    let failure = fetch("http://127.0.0.1:9/", Content::File, network, scratch.path()).unwrap_err();
    assert_eq!(failure.code, FailureCode::Take);
}
