/// Texts that are committed beside what they belong to, and can be written anew.
module ChannelDistillation.Tests.Expected

open System
open System.IO
open Expecto

let private update = Environment.GetEnvironmentVariable "UPDATE_EXPECTED" = "1"

/// Compares a text with what a file should hold. With UPDATE_EXPECTED=1 a difference is written to the file, and the test fails all the same:
/// a text that nobody has read is no expectation.
let check (file: string) (actual: string) =
    let name = Path.GetRelativePath(Repository.root, file)
    let expected = if File.Exists file then File.ReadAllText file else ""

    if update && actual <> expected then
        File.WriteAllText(file, actual)
        failtest $"{name} was written anew: read the difference, and run the tests again."
    elif not (File.Exists file) then
        failtest $"{name} is missing. UPDATE_EXPECTED=1 writes it."
    else
        Expect.equal actual expected name

/// Where the part of a document begins and ends that is made.
let made (text: string) =
    let first, last = "<!-- made by the tests from here -->\n", "<!-- to here -->"
    let start = text.IndexOf first + first.Length
    start, text.IndexOf last
