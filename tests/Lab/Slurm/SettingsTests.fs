module ChannelDistillation.Tests.Lab.Slurm.SettingsTests

open System.IO
open System.Text.RegularExpressions
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Tests

/// The settings from a site's file and an experiment, or the problems.
let private under (own: SlurmSettings) (text: string) =
    use folder = new TemporaryFolder()
    let workspace = Workspace folder.Path
    File.WriteAllText(SiteSettings.fileOf workspace, text)

    SiteSettings.settings workspace { ExperimentCodec.blank with Slurm = Some own }
    // The length of a header depends on the folder's path.
    |> Result.mapError (fun problems -> Regex.Replace((Render.text false problems).Replace(folder.Path + "/", ""), "-{3,}", "---"))

let private ofSite = under SlurmCodec.empty

let private refused (text: string) (title: string) (rest: string list) =
    let where = $"slurm.yaml:1:{text.IndexOf(':') + 3}"
    let value = text.Substring(text.IndexOf(':') + 2)

    Error(
        String.concat
            "\n"
            [ "1 problem in slurm.yaml. No run was started."
              ""
              $"-- {title} --- {where}"
              $"1 | {text}"
              $"""  | {System.String(' ', text.IndexOf(':') + 2)}{System.String('^', value.Length)}"""
              yield! rest ]
    )

[<Tests>]
let tests =
    testList
        "slurm / settings"
        [ for text, seconds in
              [ "90", 5400L
                "04:00:00", 14400L
                "0:03:05", 185L
                "100:00:00", 360000L
                "2-12", 216000L
                "2-12:30", 217800L
                "1-00:00:01", 86401L
                "0", 0L ] do
              test $"A time of {text} is {seconds} seconds" { Expect.equal (SlurmTime.tryParse text) (Ok seconds) "seconds" }

          for text, hours, minutes in [ "4:30", "4:30:00", "0:04:30"; "90:00", "90:00:00", "1:30:00"; "04:00", "04:00:00", "0:04:00" ] do
              test $"A time of {text} is rejected with both possible meanings" {
                  Expect.equal
                      (ofSite $"time: {text}")
                      (refused
                          $"time: {text}"
                          "AMBIGUOUS TIME"
                          [ $"Slurm reads a `time` of two parts as minutes and seconds, but `{text}` looks like"
                            "hours and minutes."
                            $"Hint: write `{hours}` for hours and minutes, or `{minutes}` for minutes and"
                            "seconds." ])
                      "message"
              }

          for text in [ "0"; "00:00:00"; "0-0" ] do
              test $"A time of {text} is rejected" {
                  Expect.equal
                      (ofSite $"time: {text}")
                      (refused
                          $"time: {text}"
                          "NO TIME"
                          [ $"A `time` of `{text}` leaves no time to train."
                            "Hint: write a limit such as `04:00:00`, or omit `time` to use the partition's"
                            "limit." ])
                      "said"
              }

          for text in [ "4:60"; "1:2:3"; "4h"; "-5"; "1-" ] do
              test $"The time {text} is unreadable" { Expect.equal (SlurmTime.tryParse text) (Error SlurmTime.Unreadable) "nothing" }

          test "A time limit must leave a minute before runs save, whichever file sets it" {
              let tooShort (time: string) (save: int) (least: int) =
                  Error(
                      String.concat
                          "\n"
                          [ "1 problem. No run was started."
                            ""
                            "-- SHORT TIME LIMIT ---"
                            $"A `time` of `{time}` leaves less than a minute to train: runs save their state"
                            $"{save} seconds before the limit (`save_seconds`)."
                            $"Hint: write `time: {least}` (minutes) or more, or lower `save_seconds`, in the"
                            "experiment's `slurm` section or in the site's slurm.yaml." ]
                  )

              let lines = Result.mapError (fun (text: string) -> text.Replace("\n", " "))
              let own time save = { SlurmCodec.empty with Time = time; SaveSeconds = save }
              Expect.equal (lines (ofSite "time: 3")) (lines (tooShort "3" 120 4)) "all of it the site's"
              Expect.equal (lines (under (own (Some "0:11:00") None) "save_seconds: 600")) (lines (tooShort "0:11:00" 600 12)) "from both"
              Expect.equal (lines (under (own None (Some 600)) "time: 5")) (lines (tooShort "5" 600 12)) "the other way round"
              Expect.equal (ofSite "time: 4") (Ok(own (Some "4") None)) "the shortest"
              Expect.equal (under (own None (Some 119)) "time: 3") (Ok(own (Some "3") (Some 119))) "to the second"
          }

          for text, place, reason in
              [ "setup: [module load a, 'if true; then', module load b]",
                41,
                "a quote, bracket or block is not closed or not opened, or the last line ends with a backslash"
                "setup: [module load a, fi, module load b]", 24, "syntax error near unexpected token 'fi'"
                "setup: ['echo \"a']", 9, "unexpected EOF while looking for matching '\"'"
                "setup: ['cat <<EOF', a]", 22, "a quote, bracket or block is not closed or not opened, or the last line ends with a backslash"
                "setup: [module load \\]", 9, "a quote, bracket or block is not closed or not opened, or the last line ends with a backslash"
                "wrapper: apptainer exec \"a b", 10, "unexpected EOF while looking for matching '\"'" ] do
              test $"Shell code that bash cannot parse is rejected: {text}" {
                  let said =
                      match ofSite text with
                      | Error text -> text.Replace("\n", " ")
                      | Ok _ -> ""

                  Expect.stringContains said $"slurm.yaml:1:{place} " "where"
                  let key = text.Substring(0, text.IndexOf ':')
                  Expect.stringContains said $"bash cannot parse `{key}`: {reason}. Hint: `bash -n SCRIPT` checks a script" "why"
              }

          test "Shell code over several lines or with an extended pattern is accepted" {
              let lines = [ "if true; then"; "module load a"; "fi"; "ls !(a)"; "cat <<EOF >b"; "text"; "EOF" ]
              let text = String.concat "" [ for line in lines -> $"  - '{line}'\n" ]
              Expect.equal (ofSite ("setup:\n" + text)) (Ok { SlurmCodec.empty with Setup = Some lines }) "as they are"
          }

          for text, why in
              [ "--job=foo", "sbatch reads it as `--job-name`; the launcher sets it"
                "--part=high", "sbatch reads it as `--partition`; use the key `partition`"
                "--no-req", "sbatch reads it as `--no-requeue`; the launcher sets it; see `save_seconds` and `requeues`"
                "--export=ALL,LD_PRELOAD=/tmp/x.so", "it can set variables that load code; write lines such as `export NAME=VALUE` in `setup`"
                "--clusters=a,b", "a sweep runs on the cluster that it is submitted from"
                "--cluster other", "sbatch reads it as `--clusters`; a sweep runs on the cluster that it is submitted from"
                "--time=60", "use the key `time`" ] do
              test $"The option {text} is rejected" {
                  let said =
                      match ofSite $"options: ['{text}']" with
                      | Error text -> (text.Substring(text.IndexOf "`--")).Replace("\n", " ")
                      | Ok _ -> ""

                  Expect.equal said $"`{text.Split([| '='; ' ' |])[0]}` is not allowed in `slurm.options`: {why}." "said"
              }

          for text in
              [ "-M other"
                "--exclusive --job-name=foo"
                "--exclusive=user --array=1"
                "--comment=two words"
                "--comment='a' -J foo" ] do
              test $"The option {text} is refused because it is not a single option" {
                  let printed =
                      match ofSite $"options: [\"{text}\"]" with
                      | Error text -> (text.Substring(text.IndexOf "\n`" + 1)).Replace("\n", " ")
                      | Ok _ -> ""

                  Expect.equal
                      printed
                      $"`{text}` is not a valid value of `options`. Hint: write, for example, `--exclusive` or `--mail-type=FAIL`."
                      "said"
              }

          test "Other options are accepted, also if their names start like reserved ones" {
              let options =
                  [ "--mem-per-cpu=2G"
                    "--time-min=30"
                    "--gres-flags=enforce-binding"
                    "--exclude node1,node2"
                    "--comment='two words'" ]

              let written = String.concat ", " [ for option in options -> $"\"{option}\"" ]
              Expect.equal (ofSite $"options: [{written}]") (Ok { SlurmCodec.empty with Options = Some options }) "taken"
          }

          for text, hint in
              [ "setup: module load dotnet/10", "write a list: `[module load dotnet/10]`."
                "setup: module load a, b", "write a list: `[\"module load a, b\"]`."
                "setup: |\n  module load a\n  export B=1\n", "write a list: `[module load a, export B=1]`."
                "options: --exclusive", "write a list: `[\"--exclusive\"]`."
                "options: --exclude=n1,n2 --comment='a b'", "write a list: `[\"--exclude=n1,n2\", \"--comment='a b'\"]`." ] do
              test $"""a text in place of a list is shown as one: {text.Replace("\n", " ")}""" {
                  let printed =
                      match ofSite text with
                      | Error text -> (text.Substring(text.IndexOf "Hint: ")).Replace("\n", " ")
                      | Ok _ -> ""

                  Expect.equal printed ("Hint: " + hint) "hint"
              }

          for text in [ ""; "# partition: gpu\n"; "{}" ] do
              test $"A site's file can be empty: '{text.Trim()}'" { Expect.equal (ofSite text) (Ok SlurmCodec.empty) "nothing" }

          test "The section's key in the site's file is refused, and problems inside it are still reported" {
              Expect.equal
                  (ofSite "slurm:\n  partition: gpu\n  memory: much\n")
                  (Error(
                      String.concat
                          "\n"
                          [ "2 problems in slurm.yaml. No run was started."
                            ""
                            "-- EXTRA KEY --- slurm.yaml:1:1"
                            "1 | slurm:"
                            "  | ^^^^^"
                            "This file is itself the section `slurm`, so its keys belong at the top level."
                            "Hint: remove the line `slurm:` and unindent the lines below it."
                            ""
                            "-- INVALID VALUE --- slurm.yaml:3:11"
                            "3 |   memory: much"
                            "  |           ^^^^"
                            "`much` is not a valid value of `memory`."
                            "Hint: write, for example, `16G` or `8000M`." ]
                  ))
                  "message"
          } ]
