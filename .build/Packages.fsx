/// What to say where packages of a build cannot be had.
module Packages

open System
open System.Text.RegularExpressions

/// NuGet's own words, without the paths around them: a package or a version that no source has, or a source that does not answer.
let private complaints (output: string) =
    Regex.Matches(output, @"error (?:NU1101|NU1102|NU1103|NU1301|NU1801): (.*?)\s*(?:\[[^\[]*\])?\s*$", RegexOptions.Multiline)
    |> Seq.map _.Groups[1].Value
    |> Seq.distinct
    |> List.ofSeq

/// What NuGet's audit says of packages with known vulnerabilities.
let advisories (output: string) =
    Regex.Matches(output, @"warning (NU190[1-4]: .*?)\s*(?:\[[^\[]*\])?\s*$", RegexOptions.Multiline)
    |> Seq.map _.Groups[1].Value
    |> Seq.distinct
    |> List.ofSeq

let private most = 3

let private advice (backend: string) =
    match backend with
    | "cuda" when OperatingSystem.IsMacOS() -> [ "There is no libtorch with CUDA for macOS." ]
    | "cuda" ->
        [ "What can be done (docs/gpu.md):"
          "  - build where a package source has them, and bring the result here:"
          "      dotnet publish dsl/Cli -c Release -r linux-x64 --self-contained -p:TorchBackend=cuda -o FOLDER"
          "  - use a libtorch with CUDA that is here already, of a PyTorch for instance:"
          "      dotnet fsi build.fsx build --backend external, and TORCH_LIB=FOLDER at each command"
          "  - train on the processor: --device cpu" ]
    | _ -> [ "`dotnet nuget list source` shows where packages are looked for; HTTPS_PROXY names a proxy." ]

/// None: the build failed for another reason.
/// <param name="remembered">The backend of the last build, which is left as it is.</param>
let missing (backend: string) (remembered: string) (output: string) : string option =
    match complaints output with
    | [] -> None
    | found ->
        let what =
            match backend with
            | "cuda" -> "libtorch with CUDA cannot be had: its packages are not in reach."
            | _ -> "Packages that the build needs are not in reach."

        let kept =
            if remembered = backend then
                []
            else
                [ $"The build for {remembered} is as it was, and still the one that is used." ]

        [ what
          yield! found |> List.truncate most |> List.map (fun line -> "  " + line)
          if found.Length > most then
              $"  and {found.Length - most} more"
          yield! kept
          yield! advice backend ]
        |> String.concat "\n"
        |> Some
