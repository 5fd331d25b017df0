/// The order of the source folders: a folder may use those before it, never those after it.
module ChannelDistillation.Tests.ArchitectureTests

open System.IO
open System.Text.RegularExpressions
open System.Xml.Linq
open Expecto
open NetArchTest.Rules
open ChannelDistillation.Tests

/// Bottom to top, as in docs/architecture.md.
let private runtime =
    [ "Core"
      "Schedules"
      "Specs"
      "Native"
      "Downloads"
      "Pickle"
      "Imaging"
      "Data"
      "TorchScript"
      "Models"
      "Losses"
      "Checkpoints"
      "Runs"
      "Teachers"
      "Tracking"
      "Training"
      "Export" ]

let private language = [ "."; "Yaml"; "Codecs"; "Messages"; "Schema"; "Resolution"; "Grids"; "Planning"; "Builders" ]
let private lab = [ "Tables"; "Report"; "Progress"; "Runs"; "Workers"; "Sweep"; "Overview"; "Slurm" ]

/// Folders of sources, without what a build makes.
let private foldersOf (project: string) =
    Directory.GetDirectories(Path.Combine(Repository.root, project))
    |> Array.map Path.GetFileName
    |> Array.filter (fun name -> name <> "bin" && name <> "obj")
    |> Set.ofArray

/// Folder, file name, and the text of each source of an F# project, in compile order.
let private sourcesOf (project: string) =
    let folder = Path.Combine(Repository.root, project)
    let file = Directory.GetFiles(folder, "*.fsproj") |> Array.exactlyOne

    [ for entry in XDocument.Load(file).Descendants(XName.Get "Compile") do
          let path = entry.Attribute(XName.Get "Include").Value
          let parent = if path.Contains '/' then path.Substring(0, path.IndexOf '/') else "."
          parent, path, File.ReadAllText(Path.Combine(folder, path)) ]

let private documented (heading: string) =
    let text = File.ReadAllText(Path.Combine(Repository.root, "docs/architecture.md"))
    let section = Regex.Match(text, $@"^subgraph {heading}\b.*?^end$", RegexOptions.Multiline ||| RegexOptions.Singleline).Value
    [ for edge in Regex.Matches(section, @"^ *(\w+) *--> *(\w+)$", RegexOptions.Multiline) -> edge.Groups[1].Value, edge.Groups[2].Value ]

let private chain (folders: string list) = List.pairwise folders

[<Tests>]
let tests =
    testList
        "architecture"
        [ test "Every folder of the runtime has a place in the order" { Expect.equal (foldersOf "runtime") (set runtime) "folders" }

          test "Every namespace of the runtime is its folder" {
              for file in Directory.GetFiles(Path.Combine(Repository.root, "runtime"), "*.cs", SearchOption.AllDirectories) do
                  let name = Path.GetRelativePath(Path.Combine(Repository.root, "runtime"), file).Replace('\\', '/')
                  let space = Regex.Match(File.ReadAllText file, @"^namespace ChannelDistillation\.(\w+)", RegexOptions.Multiline)

                  if space.Success && not (name.Contains "bin/" || name.Contains "obj/") then
                      Expect.equal space.Groups[1].Value (name.Split('/')[0]) name
          }

          for index, folder in List.indexed runtime do
              test $"runtime/{folder} depends on no folder above it" {
                  let above = runtime |> List.skip (index + 1) |> List.map (fun above -> $"ChannelDistillation.{above}") |> Array.ofList

                  if above.Length > 0 then
                      let result =
                          Types
                              .InAssembly(typeof<ChannelDistillation.Training.CohortTrainer>.Assembly)
                              .That()
                              .ResideInNamespaceMatching($@"^ChannelDistillation\.{folder}(\.|$)")
                              .ShouldNot()
                              .HaveDependencyOnAny(above)
                              .GetResult()

                      let failing =
                          if isNull result.FailingTypeNames then
                              []
                          else
                              List.ofSeq result.FailingTypeNames

                      Expect.equal failing [] $"""types that use one of {String.concat ", " above}"""
              }

          for project, order in [ "dsl/Language", language; "dsl/Lab", lab ] do
              test $"The folders of {project} are compiled one after the other, in their order" {
                  let compiled = sourcesOf project |> List.map (fun (folder, _, _) -> folder)

                  let blocks =
                      compiled |> List.fold (fun blocks folder -> if List.tryHead blocks = Some folder then blocks else folder :: blocks) []

                  Expect.equal (List.rev blocks) order "blocks of the compile order"
              }

              test $"Every namespace of {project} is its folder" {
                  let root =
                      if project = "dsl/Lab" then
                          "ChannelDistillation.Lab"
                      else
                          "ChannelDistillation.Dsl"

                  for folder, path, text in sourcesOf project do
                      let expected = if folder = "." then root else $"{root}.{folder}"
                      let declared = Regex.Match(text, @"^(module|namespace)( rec| internal)* ([\w.]+)", RegexOptions.Multiline)
                      let name = declared.Groups[3].Value

                      let space =
                          if declared.Groups[1].Value = "module" then
                              name.Substring(0, name.LastIndexOf '.')
                          else
                              name

                      Expect.equal space expected path
              }

          test "docs/architecture.md draws these orders" {
              let withoutRoot = List.filter ((<>) ".")
              Expect.equal (documented "runtime") (chain runtime) "runtime"
              Expect.equal (documented "Language") (chain (withoutRoot language)) "Language"
              Expect.equal (documented "Lab") (chain lab) "Lab"
          } ]
