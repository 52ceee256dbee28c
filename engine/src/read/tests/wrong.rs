//! Wrong files and every line that is said of them: code, place, message, other places, help.

use super::fixture::{checked, read};

/// Texts, and what is said of each.
type Cases<'a> = &'a [(&'a str, &'a [&'a str])];

fn files(cases: Cases<'_>) {
    for (text, expected) in cases {
        assert_eq!(read(text).1, *expected, "{text}");
    }
}

/// The same for `with:` of a node; its text begins in line 5, column 11.
fn parameters(cases: Cases<'_>) {
    for (text, expected) in cases {
        assert_eq!(checked("say", text).1, *expected, "{text}");
    }
}

#[test]
fn what_is_no_project_at_all() {
    files(&[
        ("", &["R003 1:1 the key `version` is missing | begin the file with `version: 1`"]),
        ("a: [", &["R001 1:4 this is not YAML: unclosed bracket '['"]),
        (
            "a: b: c",
            &[
                "R001 1:5 this is not YAML: a `:` where no key can stand | put a text that has `: ` in it between quotes, and give the keys of one mapping the same indent",
            ],
        ),
        ("a: \"x", &["R001 1:4 this is not YAML: unclosed quote"]),
        (
            "\ta: 1\nb:\n\t- 1\n",
            &[
                "R001 2:1 this is not YAML: did not find expected <document start> | indent with spaces, never with tabs",
            ],
        ),
        (
            "a:\n  - b: 1\n\tc: 2\n",
            &[
                "R001 3:1 this is not YAML: a tab in the indent of a line | indent with spaces, never with tabs",
            ],
        ),
        (
            "a: *b",
            &[
                "R001 1:4 this is not YAML: an alias of something that has no anchor | name it earlier with `&`, or put a text that begins with `*` between quotes",
            ],
        ),
        (
            "a: { b: #1a2b3c }\nc: 2\n",
            &[
                "R001 1:9 this is not YAML: a comment begins here, within brackets | put it between quotes: `\"#1a2b3c\"`",
            ],
        ),
        ("? [1]\n: 2\n", &["R001 1:3 this is not YAML: a key must be a text"]),
        (
            "a: 1\n---\nb: 2\n",
            &[
                "R001 3:1 this is not YAML: a second document begins here | remove the `---`: a project is one document",
            ],
        ),
        (
            "a: @x",
            &[
                "R001 1:4 this is not YAML: unexpected character: `@' | put a text that begins with this character between quotes",
            ],
        ),
        ("[1]", &["R004 1:1 a project is a mapping of keys to values | begin the file with `version: 1`"]),
        (
            "version: 2\nfoo: 1",
            &["R025 1:10 this reel reads version 1 of the file, not `2` | write `version: 1`"],
        ),
        ("version: one", &["R004 1:10 `version` wants a number | write `version: 1`"]),
        (
            "name: x\nnodez: {}",
            &[
                "R003 1:1 the key `version` is missing | begin the file with `version: 1`",
                "R002 2:1 unknown key `nodez` | did you mean `nodes`?",
            ],
        ),
    ]);
}

#[test]
fn keys_that_stand_twice() {
    files(&[(
        "version: 1\nversion: 1\nnodes:\n  a: {uses: x}\n  a: {uses: y, uses: z}\n",
        &[
            "R015 2:1 the key `version` stands twice [1:1 first here] | keep one of them",
            "R015 5:3 the key `a` stands twice [4:3 first here] | keep one of them",
            "R015 5:16 the key `uses` stands twice [5:7 first here] | keep one of them",
        ],
    )]);
}

#[test]
fn every_error_of_a_file_in_one_run() {
    files(&[(
        "version: 1\nname: 5\nvars: {a: [1], 'b c': 2}\nenv: {A: 5}\npools: {x: -1}\nfrobnicate: 1\nnodes:\n  1a: {uses: x}\n  b: {use: x}\n  c:\n    uses: 3\n    with: [1]\n    needs: {a: 1}\n    timeout: 10\n    resources: {cpu: 0, memory: 2G, gpus: 1, pools: [a]}\n  d: x\n  e:\n  vars: {uses: x}\noutputs:\n  a: ../x.mp4\n  b: out/x.mp4\n  c: {file: out/./x.mp4, from: \"${voice}\"}\n  d: {file: /etc/x, from: \"${a.b}\", size: 10x10}\n  e: {size: 1}\n  f: 3\n  g: {from: \"${a.b}\"}\n  h: .\n",
        &[
            "R004 2:7 `name` wants a text, not the number `5` | put it between quotes: `\"5\"`",
            "R004 3:11 `a` wants a text, a number or `true` or `false`, not a list",
            "R006 3:16 `b c` cannot be a name | a name is a letter or `_`, then letters, digits, `_` and `-`",
            "R004 4:10 `A` wants a text, not the number `5` | put it between quotes: `\"5\"`",
            "R006 5:12 `x` cannot be `-1` | write a whole number of at least 0",
            "R002 6:1 unknown key `frobnicate` | a project has `version`, `name`, `include`, `matrix`, `foreach`, `vars`, `env`, `capacity`, `pools`, `nodes`, `outputs`, `format`, `scenes`",
            "R006 8:3 `1a` cannot be a name | a name is a letter or `_`, then letters, digits, `_` and `-`",
            "R003 9:3 the key `uses` is missing in `b` | it is a text",
            "R002 9:7 unknown key `use` | did you mean `uses`? known here: `foreach`, `matrix`, `needs`, `resources`, `timeout`, `uses`, `with`",
            "R004 11:11 `uses` wants a text, not the number `3` | put it between quotes: `\"3\"`",
            "R004 12:11 `with` wants a mapping, not a list",
            "R004 13:12 `needs` wants a text or a list, not a mapping",
            "R005 14:14 `timeout` wants a length of time, but `10` has no unit | write it with its unit: `10s`",
            "R006 15:22 `cpu` wants a number of cores, but `0` is not above zero | write it like `0.5`",
            "R005 15:33 `memory` wants an amount of data, but `G` is not a unit here | write it like `512MiB`",
            "R002 15:37 unknown key `gpus` | did you mean `gpu`? known here: `cpu`, `gpu`, `memory`, `network`, `pools`",
            "R004 15:53 `pools` wants a mapping, not a list",
            "R004 16:6 `d` wants a mapping, not the text `x`",
            "R004 17:3 `e` has no value, but wants a mapping",
            "R006 18:3 a node cannot be called `vars` | `${vars.…}` stands for something else",
            "R003 20:3 the key `from` is missing in `a` | it is `${node.port}`",
            "R014 20:6 `file` leaves the project: `../x.mp4` | write a path of the project",
            "R003 21:3 the key `from` is missing in `b` | it is `${node.port}`",
            "R016 22:13 outputs `b` and `c` write the same file `out/x.mp4` [21:6 first here] | give each output a file of its own",
            "R006 22:32 `from` wants a node and its port, not `${voice}` | write `\"${node.port}\"`",
            "R014 23:13 `file` leaves the project: `/etc/x` | write a path of the project",
            "R002 23:37 unknown key `size` | did you mean `file`? known here: `file`, `from`, `needs`",
            "R003 24:3 the key `file` is missing in `e` | it is a path of the project",
            "R003 24:3 the key `from` is missing in `e` | it is `${node.port}`",
            "R002 24:7 unknown key `size` | did you mean `file`? known here: `file`, `from`, `needs`",
            "R004 25:6 `f` wants a text or a mapping, not the number `3` | put it between quotes: `\"3\"`",
            "R003 26:3 the key `file` is missing in `g` | it is a path of the project",
            "R003 27:3 the key `from` is missing in `h` | it is `${node.port}`",
            "R006 27:6 `file` is the project's own folder | write a path of the project",
        ],
    )]);
}

#[test]
fn sections_and_outputs_of_a_front_end() {
    files(&[
        (
            "version: 1\nformat: {size: 1080, fps: fast, sise: 1}\nscenes:\n  - say: hällo\n    shwo: x\n  - {id: é}\noutputs: {a: {file: a.mp4, sze: 10x10}, b: {file: b.mp4, size: 10}, c: ''}\n",
            &[
                "R005 2:16 `size` wants a width and a height, but `1080` is not a width, an `x` and a height | write it like `1080x1920`",
                "R005 2:27 `fps` wants frames a second, but `fast` is neither a number nor a fraction | write it like `30`",
                "R002 2:33 unknown key `sise` | did you mean `size`? known here: `fps`, `size`",
                "R003 4:5 the key `id` is missing in item 1 of `scenes` | it is a text",
                "R002 5:5 unknown key `shwo` | known here: `id`, `say`",
                "R006 6:10 `id` cannot be `é` | a name is a letter or `_`, then letters, digits, `_` and `-`",
                "R002 7:28 unknown key `sze` | did you mean `size`? known here: `file`, `needs`, `size`",
                "R005 7:64 `size` wants a width and a height, but `10` is not a width, an `x` and a height | write it like `1080x1920`",
                "R006 7:72 `file` is an empty path | write a path of the project",
            ],
        ),
        (
            "version: 1\noutputs: {a: a.mp4}\n",
            &["R003 2:11 the key `from` is missing in `a` | it is `${node.port}`"],
        ),
        (
            "version: 1\nnodes: [a]\noutputs: x\n",
            &[
                "R004 2:8 `nodes` wants a mapping, not a list",
                "R004 3:10 `outputs` wants a mapping, not the text `x`",
            ],
        ),
        (
            "version: 1\nnodes:\noutputs:\n",
            &[
                "R004 2:1 `nodes` has no value, but wants a mapping",
                "R004 3:1 `outputs` has no value, but wants a mapping",
            ],
        ),
    ]);
}

#[test]
fn variables_that_are_not_there() {
    files(&[(
        "version: 1\nname: \"${vars.x}\"\nvars: {y: \"${vars.z}\"}\nnodes: {a: {uses: \"${env.K}\"}}",
        &[
            "R007 2:7 there is no variable `x` | did you mean `y`?",
            "R007 3:11 there is no variable `z` | declare it under `vars:`, or write `$${` for the text itself",
            "R007 4:19 the environment variable `K` is not declared | declare it under `env:`, or write `$${` for the text itself",
        ],
    )]);
}

#[test]
fn places_in_aliases_and_behind_wide_characters() {
    files(&[
        (
            "version: 1\nnodes: {a: &x {uses: say, timeout: 5}, b: *x}\n",
            &[
                "R005 2:36 `timeout` wants a length of time, but `5` has no unit | write it with its unit: `5s`",
            ],
        ),
        (
            "version: 1\nname: ü\nnodes: {ä: {uses: x}}\n",
            &["R006 3:9 `ä` cannot be a name | a name is a letter or `_`, then letters, digits, `_` and `-`"],
        ),
        (
            "version: 1\nname: 日本語 # 🎬\npools: {日: 🎬}\n",
            &[
                "R006 3:9 `日` cannot be a name | a name is a letter or `_`, then letters, digits, `_` and `-`",
            ],
        ),
    ]);
}

#[test]
fn missing_and_unknown_keys() {
    parameters(&[
        (
            "{}",
            &["R003 3:3 the key `text` is missing in `a` | it is a text, `{ file: PATH }` or `${node.port}`"],
        ),
        (
            "{txt: a}",
            &[
                "R003 3:3 the key `text` is missing in `a` | it is a text, `{ file: PATH }` or `${node.port}`",
                "R002 5:12 unknown key `txt` | did you mean `text`?",
            ],
        ),
        ("{text: a, voice: {fil: x}}", &["R002 5:29 unknown key `fil` | did you mean `file`?"]),
        ("{text: a, voice: {}}", &["R003 5:21 the key `file` is missing in `voice`"]),
    ]);
}

#[test]
fn wrong_types() {
    parameters(&[
        (
            "{text: 5}",
            &[
                "R004 5:18 `text` wants a text, `{ file: PATH }` or `${node.port}`, not the number `5` | put it between quotes: `\"5\"`",
            ],
        ),
        ("{text: a, rate: 1.5}", &["R004 5:27 `rate` wants a whole number, not `1.5`"]),
        (
            "{text: a, rate: '170'}",
            &["R004 5:27 `rate` wants a whole number, not the text `170` | write it without quotes: `170`"],
        ),
        (
            "{text: a, loud: yes}",
            &["R004 5:27 `loud` wants `true` or `false`, not the text `yes` | write `true`, without quotes"],
        ),
        (
            "{text: a, loud: 'true'}",
            &["R004 5:27 `loud` wants `true` or `false`, not the text `true` | write `true`, without quotes"],
        ),
        (
            "{text: a, voice: {file: 5}}",
            &["R004 5:35 `voice` wants a path, a URL or `${node.port}`, not the number `5`"],
        ),
        ("{text: a, voice: [a]}", &["R004 5:28 `voice` wants a path, a URL or `${node.port}`, not a list"]),
        ("{text: a, parts: x}", &["R004 5:28 `parts` wants a list, not the text `x`"]),
        (
            "{text: a, pair: [x, 2]}",
            &[
                "R004 5:28 item 1 of `pair` wants a whole number, not the text `x`",
                "R004 5:31 item 2 of `pair` wants a text, not the number `2` | put it between quotes: `\"2\"`",
            ],
        ),
        (
            "{text: , rate: }",
            &[
                "R004 5:12 `text` has no value, but wants a text, `{ file: PATH }` or `${node.port}`",
                "R004 5:20 `rate` has no value, but wants a whole number",
            ],
        ),
        ("{text: a, rate: null}", &[]),
    ]);
}

#[test]
fn values_out_of_range() {
    parameters(&[
        ("{text: a, rate: -1}", &["R006 5:27 `rate` cannot be `-1` | write a whole number of at least 0"]),
        (
            "{text: a, small: 300}",
            &["R006 5:28 `small` cannot be `300` | write a whole number from 0 to 255"],
        ),
        ("{text: a, speed: 3}", &["R006 5:28 `speed` cannot be `3` | write a number from 0.5 to 2"]),
        ("{text: a, speed: 0.1}", &["R006 5:28 `speed` cannot be `0.1` | write a number from 0.5 to 2"]),
        ("{text: a, title: ''}", &["R006 5:28 `title` is empty"]),
        ("{text: a, pair: [1]}", &["R006 5:27 `pair` has 1, but wants exactly 2 items"]),
        (
            "{text: a, motion: push}",
            &["R006 5:29 `motion` cannot be `push` | it is one of `none`, `push-in`, `pull-out`"],
        ),
        (
            "{text: a, motion: 5}",
            &["R004 5:29 `motion` wants `none`, `push-in` or `pull-out`, not the number `5`"],
        ),
        (
            "{text: a, rate: 99999999999999999999}",
            &["R006 5:27 `rate` cannot be `99999999999999999999` | write a whole number of at least 0"],
        ),
    ]);
}

#[test]
fn quantities() {
    parameters(&[
        (
            "{text: a, pause: 5, extra: {text: b, pause: 5 sec}}",
            &[
                "R005 5:28 `pause` wants a length of time, but `5` has no unit | write it with its unit: `5s`",
                "R005 5:55 `pause` wants a length of time, but `sec` is not a unit here | write it like `0.5s`",
            ],
        ),
        (
            "{text: a, level: 5}",
            &[
                "R005 5:28 `level` wants a change of level, but `5` has no unit | write it with its unit: `5dB`",
            ],
        ),
        (
            "{text: a, level: loud}",
            &[
                "R005 5:28 `level` wants a change of level, but `loud` is not a number with a unit | write it like `-18dB`",
            ],
        ),
        ("{text: a, level: mut}", &["R006 5:28 `level` cannot be `mut` | did you mean `mute`?"]),
        (
            "{text: a, level: -5db}",
            &[
                "R005 5:28 `level` wants a change of level, but `-5db` is to be written `-5dB` | write it like `-18dB`",
            ],
        ),
        (
            "{text: a, ink: #fff\n}",
            &[
                "R004 5:21 `ink` has no value, but wants a colour such as `\"#0b1021\"` | put it between quotes: a bare `#` begins a comment",
            ],
        ),
        (
            "{text: a, ink: red}",
            &[
                "R005 5:26 `ink` wants a colour, but `red` is not `#` and 3, 6 or 8 hexadecimal digits | write it like `\"#0b1021\"`",
            ],
        ),
        (
            "{text: a, size: 10}",
            &[
                "R005 5:27 `size` wants a width and a height, but `10` is not a width, an `x` and a height | write it like `1080x1920`",
            ],
        ),
        (
            "{text: a, memory: 5}",
            &["R005 5:29 `memory` wants an amount of data, but `5` has no unit | write it like `512MiB`"],
        ),
        (
            "{text: a, fps: 0}",
            &["R006 5:26 `fps` wants frames a second, but `0` is not above zero | write it like `30`"],
        ),
        (
            "{text: a, fps: x/y}",
            &[
                "R005 5:26 `fps` wants frames a second, but `x/y` is neither a number nor a fraction | write it like `30`",
            ],
        ),
    ]);
}

#[test]
fn choices_report_the_branch_that_was_meant() {
    parameters(&[
        (
            "{text: a, picture: {imge: x}}",
            &["R002 5:31 unknown key `imge` | did you mean `image`? known here: `image`, `motion`, `color`"],
        ),
        (
            "{text: a, picture: {image: x, color: '#fff'}}",
            &[
                "R006 5:41 `color` does not go with the other keys of `picture` | beside them go `image`, `motion`",
            ],
        ),
        (
            "{text: a, picture: {motion: none}}",
            &[
                "R003 5:21 the key that says what it is is missing in `picture` | write one of `image`, `color`",
            ],
        ),
        (
            "{text: a, picture: {image: x, motion: pushin}}",
            &[
                "R006 5:49 `motion` cannot be `pushin` | did you mean `push-in`? it is one of `none`, `push-in`, `pull-out`",
            ],
        ),
        ("{text: a, picture: x}", &["R004 5:30 `picture` wants a mapping, not the text `x`"]),
        (
            "{text: a, shape: {radius: 1}}",
            &["R003 5:21 the key `kind` is missing | it is one of `circle`, `square`"],
        ),
        (
            "{text: a, shape: {kind: circel}}",
            &["R006 5:35 `kind` cannot be `circel` | did you mean `circle`? it is one of `circle`, `square`"],
        ),
        (
            "{text: a, shape: {kind: circle, side: 3}}",
            &[
                "R003 5:21 the key `radius` is missing in `shape` | it is a whole number",
                "R002 5:43 unknown key `side` | known here: `kind`, `radius`",
            ],
        ),
        ("{text: a, shape: circle}", &["R004 5:28 `shape` wants a mapping, not the text `circle`"]),
    ]);
}

#[test]
fn inputs_and_references() {
    parameters(&[
        (
            "{text: 'see ${a.b} now'}",
            &[
                "R006 5:18 `${a.b}` stands inside another text | join them in a node: `{ uses: text, with: { parts: [\"…\", \"${node.text}\"] } }`",
            ],
        ),
        (
            "{text: a, title: 'see ${a.b}'}",
            &[
                "R006 5:28 `title` takes no reference, but `${a.b}` stands in it | write `$${a.b}` for the text itself",
            ],
        ),
        ("{text: a, voice: '${x}'}", &["R006 5:28 `${x}` names no node and port | write `${x.PORT}`"]),
        ("{text: a, voice: ''}", &["R006 5:28 `voice` is an empty path"]),
        (
            "{text: http://x, voice: https://x, in: {a: http://y}}",
            &["R006 5:54 `a` takes no URL | write a path of the project"],
        ),
        (
            "{text: a, parts: [1, {file: a, x: 1}, '${b}']}",
            &[
                "R004 5:29 item 1 of `parts` wants a text, `{ file: PATH }` or `${node.port}`, not the number `1` | put it between quotes: `\"1\"`",
                "R002 5:42 unknown key `x` | known here: `file`",
            ],
        ),
    ]);
}
