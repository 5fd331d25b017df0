module ChannelDistillation.Tests.ScriptTests

open System.IO
open Expecto
open ChannelDistillation.Dsl

let private outcome (script: string) =
    use folder = new TemporaryFolder()
    let file = folder.File "x.fsx"
    File.WriteAllText(file, script)

    match Experiments.load file [] false with
    | Ok _ -> failtest "there is no experiment in it"
    | Error problems -> (Render.text false problems).Replace(file, "x.fsx")

/// The name of the file is of another length in every run, and with it the rule of the header.
let private withoutRule (text: string) = text.Split '\n' |> Array.filter (fun line -> not (line.StartsWith "--")) |> String.concat "\n"

[<Tests>]
let tests =
    testList
        "scripts"
        [ test "a script that does not compile is shown with the compiler's words and no stack trace" {
              Expect.equal
                  (withoutRule (outcome "let x: int = \"six\"\n"))
                  ("I found 1 problem in x.fsx. No run was started.\n\n"
                   + "This script ended with an error:\n"
                   + "x.fsx(1,14): error FS0001: This expression was expected to have type\n"
                   + "    'int'\n"
                   + "but here has type\n"
                   + "    'string'")
                  "whole text"
          }

          test "a script that gives no experiment is told how" {
              Expect.equal
                  (withoutRule (outcome "let x = 6\n"))
                  ("I found 1 problem in x.fsx. No run was started.\n\n"
                   + "This script ran, but gave no experiment.\n"
                   + "Hint: end it with `|> emit`.")
                  "whole text"
          } ]
