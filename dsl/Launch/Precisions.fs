/// What is to be known where runs compute in bfloat16.
module ChannelDistillation.Dsl.Launch.Precisions

open ChannelDistillation.Native
open ChannelDistillation.Specs
open ChannelDistillation.Training

/// Whether runs are trained on a processor here that has no instructions for bfloat16.
let isSlowHere = lazy (CpuFeatures.ComputesInBFloat16 = System.Nullable false && Devices.Choose "auto" = "cpu")

/// That bfloat16 does not pay, where some run or the training of some teacher would use it.
let warning (isSlow: Lazy<bool>) (specs: RunSpec list) =
    let recipes =
        specs
        |> List.collect (fun spec ->
            spec.Train :: (Option.ofObj spec.Teacher |> Option.bind (fun teacher -> Option.ofObj teacher.Train) |> Option.toList))

    if recipes |> List.exists (fun train -> train.Precision = Precision.BFloat16) && isSlow.Value then
        Some
            "Warning: `precision: bfloat16` does not pay on this processor, which has no instructions for it (AVX-512 BF16 or AMX): float32 is faster and more exact."
    else
        None
