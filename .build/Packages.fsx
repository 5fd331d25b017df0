/// Messages about packages of a build that cannot be downloaded.
module Packages

open System
open System.Text.RegularExpressions

/// NuGet's errors without paths: a package or version that no source has, or a source that does not answer.
let private complaints (output: string) =
    Regex.Matches(output, @"error (?:NU1101|NU1102|NU1103|NU1301|NU1801): (.*?)\s*(?:\[[^\[]*\])?\s*$", RegexOptions.Multiline)
    |> Seq.map _.Groups[1].Value
    |> Seq.distinct
    |> List.ofSeq

/// NuGet's advisories about packages with known vulnerabilities.
let advisories (output: string) =
    Regex.Matches(output, @"warning (NU190[1-4]: .*?)\s*(?:\[[^\[]*\])?\s*$", RegexOptions.Multiline)
    |> Seq.map _.Groups[1].Value
    |> Seq.distinct
    |> List.ofSeq

let private shownErrors = 3

let private advice (backend: string) =
    match backend with
    | "cuda" when OperatingSystem.IsMacOS() -> [ "libtorch with CUDA does not exist for macOS." ]
    | "cuda" ->
        [ "Alternatives (docs/gpu.md):"
          "  - build on a machine that can download them, and copy the result here:"
          "      dotnet publish dsl/Cli -c Release -r linux-x64 --self-contained -p:TorchBackend=cuda -o FOLDER"
          "  - use an installed libtorch with CUDA, such as PyTorch's:"
          "      dotnet fsi build.fsx build --backend external, then set TORCH_LIB=FOLDER for each command"
          "  - train on the CPU: --device cpu" ]
    | _ -> [ "`dotnet nuget list source` lists the package sources; HTTPS_PROXY sets a proxy." ]

/// The message for the output of a failed build. None: it failed for another reason.
/// <param name="remembered">The backend of the last build, which stays in use.</param>
let missing (backend: string) (remembered: string) (output: string) : string option =
    match complaints output with
    | [] -> None
    | found ->
        let what =
            match backend with
            | "cuda" -> "libtorch with CUDA cannot be installed: its packages cannot be downloaded."
            | _ -> "Packages that the build needs cannot be downloaded."

        let kept =
            if remembered = backend then
                []
            else
                [ $"The build for {remembered} is unchanged and stays in use." ]

        [ what
          yield! found |> List.truncate shownErrors |> List.map (fun line -> "  " + line)
          if found.Length > shownErrors then
              $"  and {found.Length - shownErrors} more"
          yield! kept
          yield! advice backend ]
        |> String.concat "\n"
        |> Some
