module ChannelDistillation.Tests.Lab.Slurm.SettingsTests

open System.IO
open System.Text.RegularExpressions
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Tests

/// The settings from a site's file and an experiment, or the problems.
let private under (own: SlurmSettings) (text: string) =
    use folder = new TemporaryFolder()
    let workspace = Workspace folder.Path
    File.WriteAllText(Site.fileOf workspace, text)

    Site.settings workspace { ExperimentCodec.blank with Slurm = Some own }
    // The length of a header depends on the folder's path.
    |> Result.mapError (fun problems -> Regex.Replace((Render.text false problems).Replace(folder.Path + "/", ""), "-{3,}", "---"))

let private ofSite = under SlurmCodec.empty

let private refused (text: string) (title: string) (rest: string list) =
    let where = $"slurm.yaml:1:{text.IndexOf(':') + 3}"
    let value = text.Substring(text.IndexOf(':') + 2)

    Error(
        String.concat
            "\n"
            [ "I found 1 problem in slurm.yaml. No run was started."
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
              test $"The time {text} is {seconds} seconds" { Expect.equal (SlurmTime.tryParse text) (Ok seconds) "seconds" }

          for text, hours, minutes in [ "4:30", "4:30:00", "0:04:30"; "90:00", "90:00:00", "1:30:00"; "04:00", "04:00:00", "0:04:00" ] do
              test $"The ambiguous time {text} is refused with both meanings" {
                  Expect.equal
                      (ofSite $"time: {text}")
                      (refused
                          $"time: {text}"
                          "HOURS OR MINUTES"
                          [ $"To Slurm a `time` of two parts is minutes and seconds, and `{text}` looks like"
                            "hours and minutes."
                            $"Hint: write `{hours}` for hours and minutes, or `{minutes}` for minutes and"
                            "seconds." ])
                      "message"
              }

          for text in [ "0"; "00:00:00"; "0-0" ] do
              test $"The time {text} is refused" {
                  Expect.equal
                      (ofSite $"time: {text}")
                      (refused
                          $"time: {text}"
                          "NO TIME"
                          [ $"An element can do nothing with a `time` of `{text}`."
                            "Hint: write how long one may run, such as `04:00:00`; without the key `time` it"
                            "is as long as the partition lets." ])
                      "message"
              }

          for text in [ "4:60"; "1:2:3"; "4h"; "-5"; "1-" ] do
              test $"The time {text} is unreadable" { Expect.equal (SlurmTime.tryParse text) (Error SlurmTime.Unreadable) "nothing" }

          test "A time limit must leave a minute before runs save, whichever file sets it" {
              let tooShort (time: string) (save: int) (least: int) =
                  Error(
                      String.concat
                          "\n"
                          [ "I found 1 problem. No run was started."
                            ""
                            "-- SHORT TIME LIMIT ---"
                            $"With a `time` of `{time}` there is not a minute left to train: the runs of an"
                            $"element save their state {save} seconds before its end (`save_seconds`)."
                            $"Hint: write `{least}` (minutes) or more, or fewer `save_seconds`: in `slurm` of"
                            "the experiment, or in the site's slurm.yaml." ]
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
                "something is opened and not closed, or closed and not opened, or a backslash ends the last line"
                "setup: [module load a, fi, module load b]", 24, "syntax error near unexpected token 'fi'"
                "setup: ['echo \"a']", 9, "unexpected EOF while looking for matching '\"'"
                "setup: ['cat <<EOF', a]", 22, "something is opened and not closed, or closed and not opened, or a backslash ends the last line"
                "setup: [module load \\]", 9, "something is opened and not closed, or closed and not opened, or a backslash ends the last line"
                "wrapper: apptainer exec \"a b", 10, "unexpected EOF while looking for matching '\"'" ] do
              test $"Invalid shell lines are refused: {text}" {
                  let printed =
                      match ofSite text with
                      | Error text -> text.Replace("\n", " ")
                      | Ok _ -> ""

                  Expect.stringContains printed $"slurm.yaml:1:{place} " "where"
                  let key = text.Substring(0, text.IndexOf ':')
                  Expect.stringContains printed $"cannot read `{key}`: {reason}. Hint: these lines become part of a script" "why"
              }

          test "Shell code over several lines or with an extended pattern is accepted" {
              let lines = [ "if true; then"; "module load a"; "fi"; "ls !(a)"; "cat <<EOF >b"; "text"; "EOF" ]
              let text = String.concat "" [ for line in lines -> $"  - '{line}'\n" ]
              Expect.equal (ofSite ("setup:\n" + text)) (Ok { SlurmCodec.empty with Setup = Some lines }) "as they are"
          }

          for text, why in
              [ "--job=foo", "to sbatch it can be short for `--job-name`, and the launcher sets it, to find its jobs again"
                "--part=high", "to sbatch it can be short for `--partition`, and the key `partition` is for it"
                "--no-req",
                "to sbatch it can be short for `--no-requeue`, and the launcher sets it, so that runs are saved and go on; `save_seconds` and `requeues` say when and how often"
                "--export=ALL,LD_PRELOAD=/tmp/x.so", "it can set variables that load code; write lines such as `export NAME=VALUE` in `setup`"
                "--clusters=a,b", "a sweep is submitted to one cluster, the one of the machine that submits it"
                "--cluster other",
                "to sbatch it can be short for `--clusters`, and a sweep is submitted to one cluster, the one of the machine that submits it"
                "--time=60", "the key `time` is for it" ] do
              test $"The option {text} is refused" {
                  let printed =
                      match ofSite $"options: ['{text}']" with
                      | Error text -> (text.Substring(text.IndexOf "`--")).Replace("\n", " ")
                      | Ok _ -> ""

                  Expect.equal printed $"`{text.Split([| '='; ' ' |])[0]}` cannot be one of `slurm.options`: {why}." "message"
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
                      | Error text -> (text.Substring(text.IndexOf "I cannot")).Replace("\n", " ")
                      | Ok _ -> ""

                  Expect.equal
                      printed
                      $"I cannot read `{text}` as a value of `options`. Hint: it looks like `--exclusive` or `--mail-type=FAIL`."
                      "message"
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
              [ "setup: module load dotnet/10", "write a list, also of one: `[module load dotnet/10]`."
                "setup: module load a, b", "write a list, also of one: `[\"module load a, b\"]`."
                "setup: |\n  module load a\n  export B=1\n", "write a list: `[module load a, export B=1]`."
                "options: --exclusive", "write a list, also of one: `[\"--exclusive\"]`."
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
                          [ "I found 2 problems in slurm.yaml. No run was started."
                            ""
                            "-- KEY TOO MUCH --- slurm.yaml:1:1"
                            "1 | slurm:"
                            "  | ^^^^^"
                            "This whole file is the section `slurm`: its keys stand here by themselves."
                            "Hint: take the line `slurm:` away, and the indentation of the lines below it."
                            ""
                            "-- CANNOT BE READ --- slurm.yaml:3:11"
                            "3 |   memory: much"
                            "  |           ^^^^"
                            "I cannot read `much` as a value of `memory`."
                            "Hint: it looks like `16G` or `8000M`." ]
                  ))
                  "message"
          } ]
