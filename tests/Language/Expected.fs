/// Committed texts that can be regenerated.
module ChannelDistillation.Tests.Expected

open System
open System.IO
open Expecto

let private update = Environment.GetEnvironmentVariable "UPDATE_EXPECTED" = "1"

/// Compares a text with a file. With UPDATE_EXPECTED=1, a different text is written to the file, and the test still fails, so that
/// somebody reads it.
let check (file: string) (actual: string) =
    let name = Path.GetRelativePath(Repository.root, file)
    let expected = if File.Exists file then File.ReadAllText file else ""

    if update && actual <> expected then
        File.WriteAllText(file, actual)
        failtest $"{name} was regenerated. Read the difference and run the tests again."
    elif not (File.Exists file) then
        failtest $"{name} is missing. Generate it with UPDATE_EXPECTED=1."
    else
        Expect.equal actual expected name

/// The start and end of the generated part of a document.
let made (text: string) =
    let first, last = "<!-- made by the tests from here -->\n", "<!-- to here -->"
    let start = text.IndexOf first + first.Length
    start, text.IndexOf last
