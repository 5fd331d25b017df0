module ChannelDistillation.Tests.DocumentationTests

open System.IO
open System.Text.RegularExpressions
open Expecto
open ChannelDistillation.Tests

/// The sources, whose messages name documents, and the documents.
let private texts =
    lazy
        [ for folder, pattern in
              [ "runtime", "*.cs"
                "dsl", "*.fs"
                "bench", "*.cs"
                "experiments", "*.*"
                "data", "*.yaml"
                "pretrain", "*.yaml"
                "docs", "*.md"
                "bench", "*.md" ] do
              for file in Directory.GetFiles(Path.Combine(Repository.root, folder), pattern, SearchOption.AllDirectories) do
                  let name = Path.GetRelativePath(Repository.root, file).Replace('\\', '/')

                  if not (name.Contains "/obj/" || name.Contains "/bin/") then
                      name, File.ReadAllText file
          for file in [ "build.fsx"; "README.md"; "CONTRIBUTING.md"; "CHANGELOG.md" ] do
              file, File.ReadAllText(Path.Combine(Repository.root, file)) ]

/// Anchors as GitHub derives them from headings: lower case, without punctuation, spaces as hyphens.
let private anchorsOf (document: string) =
    [ for heading in Regex.Matches(File.ReadAllText document, @"^#+ +(.+?)\s*$", RegexOptions.Multiline) do
          Regex.Replace(heading.Groups[1].Value.ToLowerInvariant(), @"[^\w\- ]", "").Replace(' ', '-') ]

/// What is wrong with a link target. None: it exists.
let private wrong (file: string) (folder: string) (place: string) =
    let parts = place.Split('#', 2)

    let path =
        if parts[0] = "" then
            Path.Combine(Repository.root, file)
        else
            Path.Combine(Repository.root, folder, parts[0])

    if not (Path.Exists path) then
        Some $"{file} names {place}, which is not there"
    elif parts.Length = 2 && not (List.contains parts[1] (anchorsOf path)) then
        Some $"{file} names {place}, which has no such heading"
    else
        None

[<Tests>]
let tests =
    testList
        "documentation"
        [ test "Every document and heading that a message or a source names exists" {
              let named =
                  [ for file, text in texts.Value do
                        for place in Regex.Matches(text, @"(?<![\w/.(])(?:docs|bench)/[\w./-]+\.md(?:#[\w-]+)?") -> file, place.Value ]

              Expect.isGreaterThan named.Length 10 "places"
              Expect.contains (List.map snd named) "docs/data.md#decoding" "one with a heading, in a message"
              Expect.isEmpty (named |> List.choose (fun (file, place) -> wrong file "" place)) "what is not there"
          }

          test "Every link within the documents has a target" {
              let links =
                  [ for file, text in texts.Value do
                        if file.EndsWith ".md" then
                            for link in Regex.Matches(text, @"\]\((?!https?:)([^)\s]+)\)") -> file, link.Groups[1].Value ]

              Expect.isGreaterThan links.Length 5 "links"

              Expect.isEmpty
                  (links |> List.choose (fun (file, link) -> wrong file (string (Path.GetDirectoryName file)) link))
                  "those that lead nowhere"
          } ]
