/// Writes plain data as YAML.
module ChannelDistillation.Dsl.Yaml.Emit

open System
open ChannelDistillation.Dsl

/// Whether YAML reads a text without quotes as the same text, also inside brackets.
let private isBare (text: string) =
    text <> ""
    && text <> "~"
    && text <> "null"
    && text <> "<<"
    && (Char.IsLetterOrDigit text[0]
        || text[0] = '.'
        || text[0] = '/'
        || (text[0] = '-' && text.Length > 1 && Char.IsDigit text[1]))
    && text |> Seq.forall (fun c -> Char.IsLetterOrDigit c || " +-_./=()%~@".Contains c)
    && text.Trim() = text
    && not (text.StartsWith "---" || text.StartsWith "...")

let private quote (text: string) =
    let escape c =
        match c with
        | '"' -> "\\\""
        | '\\' -> "\\\\"
        | '\n' -> "\\n"
        | '\r' -> "\\r"
        | '\t' -> "\\t"
        | c when Char.IsControl c || c = '\uFEFF' || c = '\u2028' || c = '\u2029' -> $"\\u{int c:X4}"
        | c -> string c

    "\"" + String.collect escape text + "\""

let private scalar text = if isBare text then text else quote text

/// A value on one line: `{ at: [60, 120], factor: 0.2 }`.
let rec flow (setting: Setting) =
    match setting with
    | Scalar text -> scalar text
    | Items items -> "[" + String.Join(", ", List.map flow items) + "]"
    | Entries [] -> "{}"
    | Entries entries -> "{ " + String.Join(", ", [ for key, value in entries -> $"{scalar key}: {flow value}" ]) + " }"

let private lineWidth = 100

/// A mapping over several lines; an entry that fits on one line is written on one.
let rec private block indent (entries: (string * Setting) list) : string list =
    let space = String(' ', indent)

    [ for key, value in entries do
          let line = $"{space}{scalar key}: {flow value}"

          match value with
          | Entries(_ :: _ as inside) when indent = 0 || line.Length > lineWidth ->
              $"{space}{scalar key}:"
              yield! block (indent + 2) inside
          | _ -> line ]

/// A complete file.
let document (setting: Setting) =
    match setting with
    | Entries entries -> String.Join("\n", block 0 entries) + "\n"
    | other -> flow other + "\n"
