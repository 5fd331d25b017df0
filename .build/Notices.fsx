/// Collects the licences of everything in a published folder, from the restored packages.
module Notices

open System
open System.IO
open System.Text.Json
open System.Xml.Linq
open Programs
open Stamps

let file = at "THIRD-PARTY-NOTICES.txt"

/// Texts of licences for packages that name a licence but do not contain it; `{holder}` is replaced.
let private mit =
    "The MIT License (MIT)

{holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
\"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."

let private bsd3 =
    "{holder}

Redistribution and use in source and binary forms, with or without modification, are permitted provided that the following conditions are
met:

    * Redistributions of source code must retain the above copyright notice, this list of conditions and the following disclaimer.
    * Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following disclaimer in
      the documentation and/or other materials provided with the distribution.
    * Neither the name of the copyright holder nor the names of its contributors may be used to endorse or promote products derived from
      this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS \"AS IS\" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT
OWNER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT
LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY
THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE."

let private known = dict [ "MIT", mit; "BSD-3-Clause", bsd3 ]

/// The packages of a lock file, each with its version.
let private locked (lockFile: string) =
    use document = JsonDocument.Parse(File.ReadAllText lockFile)

    [ for framework in document.RootElement.GetProperty("dependencies").EnumerateObject() do
          for package in framework.Value.EnumerateObject() do
              match package.Value.TryGetProperty "resolved" with
              | true, version -> package.Name, string (version.GetString())
              | _ -> () ]

/// Whether a file of a package is its licence, or a notice about third parties.
let private isNotice (path: string) =
    let name = (string (Path.GetFileName path)).ToUpperInvariant()

    [ "LICENSE"; "LICENCE"; "NOTICE"; "COPYING"; "THIRD-PARTY-NOTICES"; "THIRDPARTYNOTICES" ] |> List.exists name.StartsWith

let private text (path: string) = (File.ReadAllText path).Replace("\r\n", "\n").Trim()

type private Notice = { Title: string; Texts: string list }

let private ofPackage (packages: string) (name: string, version: string) : Notice =
    let folder = Path.Combine(packages, name.ToLowerInvariant(), version)

    if not (Directory.Exists folder) then
        stop 1 $"The package {name} {version} is not restored. Build first: dotnet fsi build.fsx build"

    let root = XDocument.Load(Directory.GetFiles(folder, "*.nuspec")[0]).Root

    let entry (name: string) =
        root.Descendants()
        |> Seq.tryFind (fun node -> node.Name.LocalName = name)
        |> Option.map _.Value.Trim()
        |> Option.filter ((<>) "")

    let licence =
        root.Descendants()
        |> Seq.tryFind (fun node -> node.Name.LocalName = "license" && string (node.Attribute(XName.Get "type")) <> "")
        |> Option.map _.Value.Trim()

    let authors = entry "authors" |> Option.defaultValue name

    let holder =
        match entry "copyright" with
        | Some line when line.Contains '©' || line.Contains("copyright", StringComparison.OrdinalIgnoreCase) -> line
        | Some line when Seq.exists Char.IsLetter line -> $"Copyright (c) {line}"
        | Some years -> $"Copyright (c) {years} {authors}"
        | None -> $"Copyright (c) {authors}"

    let own =
        [ for file in Directory.GetFiles folder |> Array.sort do
              if isNotice file then
                  text file ]

    let hasLicence =
        Directory.GetFiles folder
        |> Array.exists (fun file -> (string (Path.GetFileName file)).ToUpperInvariant().StartsWith "LICEN")

    let made =
        match licence with
        | Some licence when not hasLicence && known.ContainsKey licence -> [ known[licence].Replace("{holder}", holder) ]
        | _ when hasLicence -> []
        | other -> stop 1 $"""{name} {version} has no licence text ({defaultArg other "no licence named"}): add it to .build/Notices.fsx."""

    let address = entry "projectUrl" |> Option.map (fun url -> $"\n{url}") |> Option.defaultValue ""

    { Title = $"""{name} {version}, {licence |> Option.orElse (entry "licenseUrl") |> Option.defaultValue "see below"}{address}"""
      Texts = made @ own }

/// Third-party parts besides the packages.
let private others () =
    let page name = text (at $"dsl/Lab/Report/page/{name}")

    [ { Title = "Apache ECharts with ZRender, in every report.html, Apache-2.0\nhttps://echarts.apache.org"
        Texts = [ page "ECHARTS-NOTICE"; page "ECHARTS-LICENSE" ] }
      { Title = ".NET runtime, in folders published with --self-contained, MIT\nhttps://github.com/dotnet/runtime"
        Texts = [ mit.Replace("{holder}", "Copyright (c) .NET Foundation and Contributors") ] }
      { Title = "Fashion-MNIST, a part of which is in the repository, MIT\nhttps://github.com/zalandoresearch/fashion-mnist"
        Texts = [ text (at "data/fashion-mnist-mini/LICENSE") ] } ]

let private rule = String('=', 100)

/// The whole text: each licence once, below the list of everything that it covers.
let render () : string =
    let packages =
        match Environment.GetEnvironmentVariable "NUGET_PACKAGES" with
        | null
        | "" -> Path.Combine(Environment.GetFolderPath Environment.SpecialFolder.UserProfile, ".nuget", "packages")
        | folder -> folder

    // From this platform's CPU build; other libtorch packages have the same licences.
    let platform =
        if OperatingSystem.IsWindows() then "win-x64"
        elif OperatingSystem.IsMacOS() then "osx-arm64"
        else "linux-x64"

    let notices =
        (locked (at $"dsl/Cli/packages.cpu-{platform}.lock.json")
         |> List.distinct
         |> List.sortBy fst
         |> List.map (ofPackage packages))
        @ others ()

    let byText =
        [ for notice in notices do
              for text in notice.Texts -> text, notice.Title ]
        |> List.groupBy fst

    [ "Third-party software that is published with channel-distillation, and its licences. Generated by `dotnet fsi build.fsx notices`."
      for licence, uses in byText do
          $"\n{rule}\n" + String.Join("\n", [ for _, title in uses -> title ]) + $"\n{rule}\n\n{licence}" ]
    |> String.concat "\n"
    |> fun text -> text + "\n"
