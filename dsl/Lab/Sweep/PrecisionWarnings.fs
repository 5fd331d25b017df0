/// Warns about bfloat16 on devices without hardware support for it.
module ChannelDistillation.Lab.Sweep.PrecisionWarnings

open System
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Training

/// The first compute capability with multiplication in bfloat16: Ampere (CUDA C++ Programming Guide, "Compute Capabilities").
let private firstCapability = Version(8, 0)

/// A device's hardware support for bfloat16.
type Hardware =
    /// Whether the CPU has bfloat16 instructions, if known.
    | OfProcessor of computes: bool option
    /// The compute capability, if known.
    | OfGpu of device: string * capability: Version option

/// Why bfloat16 is not faster on a device. None: it is, or the hardware is unknown.
let obstacle (hardware: Hardware) : string option =
    match hardware with
    | OfProcessor(Some false) ->
        Some
            "`precision: bfloat16` is not faster on this CPU, which has no instructions for it (AVX-512 BF16 or AMX). float32 is faster and more accurate."
    | OfGpu(device, Some capability) when capability < firstCapability ->
        Some
            $"`precision: bfloat16` is not faster on {device}, which has compute capability {capability}; bfloat16 multiplication needs {firstCapability}. float32 is faster and more accurate."
    | _ -> None

let private hardwareOf (device: string) =
    match Devices.Choose device with
    | "cpu" -> OfProcessor(Option.ofNullable CpuFeatures.ComputesInBFloat16)
    | gpu -> OfGpu(gpu, Option.ofObj (Devices.ComputeCapability gpu))

/// The obstacles of devices of this machine, named as on the command line. A missing device has none.
let obstacles (devices: string list) =
    lazy
        (devices
         |> List.choose (fun device ->
             try
                 obstacle (hardwareOf device)
             with :? MissingException ->
                 None)
         |> List.distinct)

/// The obstacles as warnings, if a run or the training of a teacher uses bfloat16.
let warnings (obstacles: Lazy<string list>) (specs: RunSpec list) : string list =
    let recipes =
        specs
        |> List.collect (fun spec ->
            spec.Train :: (Option.ofObj spec.Teacher |> Option.bind (fun teacher -> Option.ofObj teacher.Train) |> Option.toList))

    if recipes |> List.exists (fun train -> train.Precision = Precision.BFloat16) then
        obstacles.Value |> List.map (fun obstacle -> "Warning: " + obstacle)
    else
        []
