module ChannelDistillation.Tests.Lab.Runs.ShellTests

open System
open Expecto
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Tests

let private plain = [ "--set"; "losses.cd.weight=0.5"; "a/b_c:d,e@f%g+h-i" ]

let private special =
    [ ""
      "it's"
      "cd*"
      "two words"
      "$HOME"
      "`ls`"
      "a;b"
      "\"q\""
      "back\\slash"
      "new\nline"
      "!#~&|<>(){}[]?" ]

[<Tests>]
let tests =
    testList
        "words for a shell"
        [ test "Words that need no quotes are unchanged" { Expect.equal (List.map Shell.quoted plain) plain "as they are" }

          test "Quoted words are read back unchanged by a shell" {
              if OperatingSystem.IsWindows() then
                  skiptest "Windows has no POSIX shell"

              let words = plain @ special
              let script = "printf '%s\\0' " + String.Join(' ', List.map Shell.quoted words)
              let _, output, _ = ChildProcess.Run("sh", [ "-c"; script ])
              Expect.equal (output.Split('\000') |> List.ofArray) (words @ [ "" ]) "words"
          } ]
