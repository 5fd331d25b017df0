/// What is to be known where runs compute in bfloat16.
module ChannelDistillation.Lab.Sweep.Precisions

open System
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Training

/// The first compute capability with multiplication in bfloat16: Ampere (CUDA C++ Programming Guide, "Compute Capabilities").
let private firstCapability = Version(8, 0)

/// What a device has for bfloat16.
type Hardware =
    /// Whether it has instructions for it, where that is known.
    | OfProcessor of computes: bool option
    /// Its compute capability, where that is known.
    | OfGpu of device: string * capability: Version option

/// Why bfloat16 does not pay on a device; None: it does, or that is not known.
let obstacle (hardware: Hardware) : string option =
    match hardware with
    | OfProcessor(Some false) ->
        Some
            "`precision: bfloat16` does not pay on this processor, which has no instructions for it (AVX-512 BF16 or AMX): float32 is faster and more exact."
    | OfGpu(device, Some capability) when capability < firstCapability ->
        Some
            $"`precision: bfloat16` does not pay on {device}, a GPU of compute capability {capability}: those from {firstCapability} on multiply in it, on others float32 is faster and more exact."
    | _ -> None

let private hardwareOf (device: string) =
    match Devices.Choose device with
    | "cpu" -> OfProcessor(Option.ofNullable CpuFeatures.ComputesInBFloat16)
    | gpu -> OfGpu(gpu, Option.ofObj (Devices.ComputeCapability gpu))

/// Of devices of this machine, as the command line names them; of one that is not there nothing is known.
let obstacles (devices: string list) =
    lazy
        (devices
         |> List.choose (fun device ->
             try
                 obstacle (hardwareOf device)
             with :? MissingException ->
                 None)
         |> List.distinct)

/// That bfloat16 does not pay, where some run or the training of some teacher would use it.
let warnings (obstacles: Lazy<string list>) (specs: RunSpec list) : string list =
    let recipes =
        specs
        |> List.collect (fun spec ->
            spec.Train :: (Option.ofObj spec.Teacher |> Option.bind (fun teacher -> Option.ofObj teacher.Train) |> Option.toList))

    if recipes |> List.exists (fun train -> train.Precision = Precision.BFloat16) then
        obstacles.Value |> List.map (fun obstacle -> "Warning: " + obstacle)
    else
        []
