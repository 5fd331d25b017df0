/// The selection of tests to run.
module ChannelDistillation.Tests.Suite.Selection

open System
open Expecto

type Selection =
    {
        /// Run only tests whose full name contains one of these texts. Empty: all tests.
        Filter: string list
        /// Skip tests whose full name contains one of these texts.
        Skip: string list
        /// The file for the seconds of each test, written as they end.
        Durations: string option
        /// Run the examples that the tests of the suite use, instead of the suite.
        Examples: bool
        /// Time limit of a test; its process is killed after it.
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

/// Whether a test is selected.
let includes (selection: Selection) (test: FlatTest) : bool =
    let contains (text: string) = (fullName test).Contains(text, StringComparison.OrdinalIgnoreCase)

    (selection.Filter.IsEmpty || List.exists contains selection.Filter) && not (List.exists contains selection.Skip)
