module ChannelDistillation.Tests.TerminalTests

open System
open System.IO
open Expecto
open Spectre.Console
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Tests.Cli
open ChannelDistillation.Lab.Progress

/// Escape sequences for the window title, the clipboard and colours, C1 control characters, and right-to-left text.
let private hostile =
    "\u001b]0;title\u0007\u001b]52;c;eA==\u0007\u001b[31m\u009b2J\u0000\b\r\u007f\u202Efdp.exe\u2066\u2069\u200F\u061C\u2028"

let private harmless =
    @"\u001B]0;title\u0007\u001B]52;c;eA==\u0007\u001B[31m\u009B2J\u0000\u0008\u000D\u007F\u202Efdp.exe\u2066\u2069\u200F\u061C\u2028"

let private expectSafe (text: string) =
    match text |> Seq.tryFind Terminal.isUnsafe with
    | Some letter -> failtest $"There is a character {int letter:X4} in: {Terminal.safe text}"
    | None -> ()

/// Untrusted names and texts that a terminal would interpret.
let private foreignPlan =
    let name = hostile |> Seq.map (fun letter -> $"\\u{int letter:X4}") |> String.concat ""

    $"""{{"experiment": "a{name}", "description": "b{name}", "dataset": "c{name}", "student": "d{name}", "epochs": [1], "seeds": [0], "held_out": [],
  "command": "e{name}", "teachers": [], "runs": [],
  "rows": [{{"variant": "f{name}", "axes": {{"g{name}": "h{name}"}}, "runs": ["x"], "seeds": [0]}}]}}"""

[<Tests>]
let tests =
    testList
        "terminal"
        [ test "Control characters are written as JSON escape sequences" {
              Expect.equal (Terminal.safe hostile) harmless "each of them"
              Expect.equal (Terminal.safe "é 漢 😀 ± →\n\tb\r\n") "é 漢 😀 ± →\n\tb\r\n" "what is text stays as it is"
          }

          test "A guarded writer escapes everything it writes" {
              use inner = new StringWriter()
              let writer = Terminal.writer inner
              writer.Write hostile
              writer.Write hostile[0]
              writer.Write(hostile.ToCharArray())
              writer.Write(hostile.AsSpan())
              writer.WriteLine hostile
              writer.WriteLine("{0}", hostile)
              fprintfn writer "%s" hostile
              expectSafe (inner.ToString())
              Expect.equal (inner.ToString().Split(harmless).Length) 7 "and nothing is lost"
          }

          test "A live view escapes untrusted text and keeps its own colours" {
              let output = new StringWriter()

              let settings =
                  AnsiConsoleSettings(Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.Standard, Out = AnsiConsoleOutput output)

              let console = AnsiConsole.Create settings
              console.Profile.Width <- 500
              console.Write(View.safe (Markup $"[red]{Markup.Escape hostile}[/]"))
              let text = output.ToString()
              Expect.stringContains text "\u001b[91m\\u001B]0;title" "ours"
              expectSafe (text.Replace("\u001b[91m", "").Replace("\u001b[0m", ""))
          }

          test "A message above a live view is escaped" {
              let output = new StringWriter()
              let console = AnsiConsole.Create(AnsiConsoleSettings(Ansi = AnsiSupport.Yes, Out = AnsiConsoleOutput output))
              console.Profile.Width <- 500
              Above.say console hostile
              expectSafe (output.ToString().Replace("\u001b[0J", ""))
          }

          test "Problems escape what they quote, also in colours" {
              let text = $"experiment: x\ndescription: \"{harmless}\"\ndataset: \"{harmless}\"\n"

              for colour in [ false; true ] do
                  match Experiments.ofSource (Source("x\u001b[31m\u202e.yaml", text)) [ "\u001b[32mseeds", "\u202e" ] with
                  | Ok _ -> failtest "it has problems"
                  | Error problems ->
                      let shown = Render.text colour problems

                      let shown =
                          [ "36"; "31"; "2"; "32"; "0" ] |> List.fold (fun (shown: string) ink -> shown.Replace($"\u001b[{ink}m", "")) shown

                      expectSafe shown
          }

          for format in [ "md"; "csv"; "json"; "latex" ] do
              test $"An untrusted plan.json cannot control the terminal: table --format {format}" {
                  use folder = new TemporaryFolder()
                  File.WriteAllText(folder.File "plan.json", foreignPlan)
                  let code, text = CommandLine.run folder.Path [ "table"; folder.Path; "--format"; format ]
                  Expect.equal code 0 text
                  expectSafe text
                  Expect.stringContains text "title" "the names are there"
              }

          test "Names of damaged files and misspelt names are escaped" {
              use folder = new TemporaryFolder()
              let strange = Directory.CreateDirectory(folder.File "a\u001b[31mb").FullName
              File.WriteAllText(Path.Combine(strange, "plan.json"), "{}")

              for arguments in [ [ "table"; strange ]; [ "plan"; "\u202e.yaml" ]; [ "data"; "fetch"; "\u001b]0;x\u0007" ]; [ "\u009bverb" ] ] do
                  let _, text = CommandLine.run folder.Path arguments
                  expectSafe text
          } ]
