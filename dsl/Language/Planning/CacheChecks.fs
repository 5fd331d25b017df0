/// Checks whether the teacher's outputs can be cached (`teacher.cache`).
module ChannelDistillation.Dsl.Planning.CacheChecks

open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Losses
open ChannelDistillation.Teachers.Signals
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Resolution

let private isImageFolder (dataset: ChannelDistillation.Dsl.Dataset) =
    DatasetLookup.find dataset.Source |> Option.exists (fun known -> known.Format = DatasetFormat.ImageFolder)

/// Why the outputs of a teacher cannot be cached on a dataset, whatever the losses.
let whyNot (dataset: ChannelDistillation.Dsl.Dataset) (teacher: Teacher) : Diagnostic option =
    match teacher.Cache with
    | None -> None
    | Some _ when teacher.BatchNorm = TeacherBatchNorm.BatchStats -> Some CannotCacheBatchStats
    | Some { Views = None } when Augmentation.isRandom dataset ->
        Some(
            CannotCacheAugmented(
                if isImageFolder dataset then
                    "resized_crop: none, flip: false"
                else
                    "pad: 0, flip: false"
            )
        )
    | Some _ -> None

/// The losses that read outputs that are not cached.
let notServed (teacher: Teacher) (losses: LossDescriptor list) =
    if teacher.Cache.IsNone then
        []
    else
        losses |> List.filter (SignalCache.IsServed >> not)

/// Names of the losses that need a teacher and read only cached outputs.
let served () =
    [ for loss in LossCatalog.All do
          if loss.NeedsTeacher && SignalCache.IsServed loss then
              loss.Name ]
