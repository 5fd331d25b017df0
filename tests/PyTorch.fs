/// Runs Python with PyTorch and torchvision, if one is installed.
module ChannelDistillation.Tests.PyTorch

open Expecto
open ChannelDistillation.Tests

/// Debian's packages belong to Debian's Python, which need not be the first in the path.
let private withTorch =
    lazy
        ([ "/usr/bin/python3"; "python3" ]
         |> List.tryFind (fun name ->
             ChildProcess.Exists name
             && (match ChildProcess.Run(name, [ "-c"; "import torch, torchvision" ]) with
                 | 0, _, _ -> true
                 | _ -> false)))

/// The standard output of a script, or its test is skipped.
let run (script: string) (arguments: string list) : string =
    match withTorch.Value with
    | None -> skiptest "no Python here has PyTorch and torchvision"
    | Some name ->
        match ChildProcess.Run(name, "-c" :: script :: arguments) with
        | 0, output, _ -> output
        | other -> failtest $"Python ended with {other}"
