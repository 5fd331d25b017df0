module ChannelDistillation.Tests.Suite.SuiteTests

open System
open System.Reflection
open System.Text.RegularExpressions
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Suite.TestMessages

let private program = Assembly.GetExecutingAssembly().Location

/// The exit code and standard output of another run of this program, without times and source lines.
let private nested (start: string) (arguments: string list) =
    let code, output, _ = ChildProcess.Run("sh", [ "-c"; start + " exec dotnet \"$@\""; "sh"; program; yield! arguments ])
    code, Regex.Replace(Regex.Replace(output, @"Took .*\.\n", "Took a while.\n"), @"(   at .*\n)+", "   at ...\n")

let private onLinux name body =
    test name {
        if not (OperatingSystem.IsLinux()) then
            skiptest "signals are those of Linux"

        body ()
    }

let private ended verdict seconds name = { Name = name; Verdict = verdict; Text = "a reason"; Seconds = seconds }

[<Tests>]
let tests =
    testList
        "the suite"
        [ onLinux "A test that kills its process fails, and the following tests run" (fun () ->
              let expected =
                  "FAILED examples / aborts
The process of the test ended with SIGABRT.

FAILED examples / fails
as it should
   at ...

FAILED examples / exits
The process of the test ended with exit code 3.

Skipped, because there is a reason:
  examples / is skipped
Took a while.
1 passed, 3 failed, 1 skipped
"

              Expect.equal (nested "" [ "--examples"; "--skip"; "never ends" ]) (1, expected) "exit code and output")

          test "A test that never ends is killed and fails" {
              let code, output = nested "" [ "--examples"; "--filter"; "never ends"; "--limit"; "1" ]
              Expect.equal code 1 output

              Expect.stringStarts output "FAILED examples / never ends\nThe test did not end within 1 s; its process was killed.\n" "why"

              Expect.stringEnds output "0 passed, 1 failed, 0 skipped\n" "the last line"
          }

          test "The suite fails if no test matches" {
              Expect.equal
                  (nested "" [ "--examples"; "--filter"; "nothing" ])
                  (1, "Took a while.\nNo test was run.\n0 passed, 0 failed, 0 skipped\n")
                  "output"
          }

          onLinux "SIGINT ends a program that a test starts" (fun () ->
              let code, output, _ = ChildProcess.Run("sh", [ "-c"; "kill -INT $$; echo it is ignored" ])
              Expect.equal (code, output) (130, "") "exit code and output")

          onLinux "A program that a test starts ends on SIGINT even if the shell ignores it" (fun () ->
              Expect.equal
                  (nested "trap '' INT;" [ "--filter"; "SIGINT ends a program that a test starts" ])
                  (0, "Took a while.\n1 passed, 0 failed, 0 skipped\n")
                  "output")

          test "The summary lists the skipped tests with reasons, and the ten slowest" {
              let results =
                  [ for seconds in 0..11 do
                        yield ended Verdict.Passed (float seconds) $"takes {seconds}"
                    for name in [ "one"; "another" ] do
                        yield ended Verdict.Skipped 0.0 name ]

              let expected =
                  [ "Skipped, because a reason:"
                    "  one"
                    "  another"
                    "Slowest:"
                    for seconds in 11..-1..2 do
                        $"  {seconds, 4}.0 s  takes {seconds}"
                    "Took 1 min 5 s; CPU time 59.0 s."
                    "12 passed, 0 failed, 2 skipped" ]

              let took, processorTime = TimeSpan.FromSeconds 65.0, TimeSpan.FromSeconds 59.0
              Expect.equal (Summary.lines results took (Some processorTime)) expected "lines"
              Expect.equal (Summary.exitCode results) 0 "success"
              Expect.equal (Summary.exitCode [ ended Verdict.Skipped 0.0 "one" ]) 1 "nothing was run"
          } ]
