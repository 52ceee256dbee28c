//! Project files, right and wrong, and all that is said of them. It knows no disk.

pub(crate) mod fixture;
mod include;
mod limits;
mod many;
mod wrong;

use crate::claim::GpuClaim;
use crate::spec::{InputSource, Written};
use fixture::{checked, read, read_with};

#[test]
fn a_whole_project_is_read() {
    let text = "\
version: 1
name: eclipse
vars: { voice: en-us, file: \"out/${env.WHERE}.mp4\" }
env: { WHERE: short }
format: { size: 1080x1920, fps: 30 }
pools: { elevenlabs: 2 }
nodes:
  voice: { uses: say, with: { text: \"${vars.voice}\" }, timeout: 1.5m, needs: film.mix }
  cut:
    uses: cut
    needs: [voice, other]
    resources: { cpu: 0.5, memory: 2GiB, gpu: 1, network: 3, pools: { elevenlabs: 1 } }
outputs:
  short: \"${vars.file}\"
  sound: { file: ./out//a.wav, from: \"${voice.audio}\" }
";
    let (spec, said) = read(text);
    assert_eq!(said, Vec::<String>::new());
    let spec = spec.unwrap();
    assert_eq!(spec.name.unwrap().value, "eclipse");
    assert_eq!(spec.env, [("WHERE".to_owned(), "short".to_owned())]);
    assert_eq!(spec.capacity, "elevenlabs=2".parse().unwrap());
    assert_eq!(spec.sections[0].0, "format");
    assert!(spec.unread.is_empty());
    let [voice, cut] = spec.nodes.as_slice() else { panic!("two nodes") };
    assert_eq!(voice.with.get("text").unwrap().as_text(), Some("en-us"));
    assert_eq!((voice.timeout, voice.needs[0].value.as_str()), (Some(90_000), "film.mix"));
    assert_eq!(cut.needs.iter().map(|n| n.value.as_str()).collect::<Vec<_>>(), ["voice", "other"]);
    let resources = cut.resources.clone().unwrap();
    assert_eq!((resources.cpu_milli, resources.memory), (Some(500), Some(2 << 30)));
    assert_eq!((resources.gpu, resources.network), (Some(GpuClaim::Whole(1)), Some(3)));
    assert_eq!(resources.pools, [("elevenlabs".to_owned(), 1)]);
    let [short, sound] = spec.outputs.as_slice() else { panic!("two outputs") };
    assert_eq!((short.file.value.as_str(), &short.from), ("out/short.mp4", &None));
    assert_eq!(sound.file.value, "out/a.wav");
    assert_eq!(sound.from.as_ref().unwrap().value, "${voice.audio}");
}

#[test]
fn the_command_line_and_the_environment_fill_variables() {
    let text = "version: 1\nvars: { n: 3, who: \"${env.USER}\" }\nenv: [USER]\nnodes:\n  \
                a: { uses: say, with: { text: \"${vars.who}\", rate: \"${vars.n}\" } }\n";
    let (spec, said) = read_with(text, &[("USER", "ann")], &[("n", "7")]);
    assert_eq!(said, Vec::<String>::new());
    let with = spec.unwrap().nodes[0].with.clone();
    assert_eq!(with.get("text").unwrap().as_text(), Some("ann"));
    assert_eq!(with.get("rate").unwrap().node, Written::Number("7".into()));
}

#[test]
fn inputs_become_slots_and_quantities_one_text() {
    let yaml = "{ text: { file: a.txt }, rate: 170, pause: 0.50s, picture: { image: \"https://x.org/a.png\" },
        parts: [one, \"${a/b.c.say.1.text}\", { file: \"${self.x.y}\" }], in: { clip.mp4: \"$${odd}.mp4\", b: \"${n-1.video}\" },
        level: -18.0dB, ink: \"#FA0\", fps: 29.970 }";
    let (checked, said) = checked("say", yaml);
    assert_eq!(said, Vec::<String>::new());
    let checked = checked.unwrap();
    assert_eq!(
        checked.value,
        serde_json::json!({
            "text": { "$input": "text" }, "rate": 170, "pause": "500ms",
            "picture": { "image": { "$input": "picture.image" } },
            "parts": [{ "$input": "parts.0" }, { "$input": "parts.1" }, { "$input": "parts.2" }],
            "in": { "clip.mp4": { "$input": "in.clip.mp4" }, "b": { "$input": "in.b" } },
            "level": "-18dB", "ink": "#ffaa00", "fps": "29.97"
        })
    );
    let bindings: Vec<_> = checked
        .inputs
        .iter()
        .map(|input| (input.slot.as_str(), input.ty.as_str(), input.in_list, input.source.clone()))
        .collect();
    let reference = |node: &str, port: &str| InputSource::Reference { node: node.into(), port: port.into() };
    assert_eq!(
        bindings,
        [
            ("text", "text", false, InputSource::File("a.txt".into())),
            ("picture.image", "image", false, InputSource::Url("https://x.org/a.png".into())),
            ("parts.0", "text", true, InputSource::Literal("one".into())),
            ("parts.1", "text", true, reference("a/b.c.say.1", "text")),
            ("parts.2", "text", true, InputSource::SelfSlot("x.y".into())),
            ("in.clip.mp4", "file", false, InputSource::File("${odd}.mp4".into())),
            ("in.b", "file", false, reference("n-1", "video")),
        ]
    );
}
