/// Which tests are run.
module ChannelDistillation.Tests.Suite.Selection

open System
open Expecto

type Selection =
    {
        /// Only tests whose full name contains one of these texts; all of them where there is none.
        Filter: string list
        /// Without tests whose full name contains one of these texts.
        Skip: string list
        /// A file for what each test took, written as they end.
        Durations: string option
        /// Run the examples that the tests of the suite itself use, in place of the suite.
        Examples: bool
        /// A test that takes longer than this is ended, together with its process.
        Limit: TimeSpan
    }

let private standard = { Filter = []; Skip = []; Durations = None; Examples = false; Limit = TimeSpan.FromMinutes 20.0 }

let rec private read selection (arguments: string list) =
    match arguments with
    | [] -> Ok selection
    | "--filter" :: text :: rest -> read { selection with Filter = selection.Filter @ [ text ] } rest
    | "--skip" :: text :: rest -> read { selection with Skip = selection.Skip @ [ text ] } rest
    | "--durations" :: file :: rest -> read { selection with Durations = Some file } rest
    | "--examples" :: rest -> read { selection with Examples = true } rest
    | "--limit" :: seconds :: rest -> read { selection with Limit = TimeSpan.FromSeconds(float seconds) } rest
    | unknown :: _ -> Error $"`{unknown}` is not an option of the tests. They take --filter TEXT, --skip TEXT and --durations FILE."

let ofArguments (arguments: string list) : Result<Selection, string> = read standard arguments

let fullName (test: FlatTest) = String.Join(" / ", test.name)

/// Whether a test is among those that are run.
let includes (selection: Selection) (test: FlatTest) : bool =
    let contains (text: string) = (fullName test).Contains(text, StringComparison.OrdinalIgnoreCase)

    (selection.Filter.IsEmpty || List.exists contains selection.Filter) && not (List.exists contains selection.Skip)
