/// Messages about harmless settings that are probably unintended.
module internal ChannelDistillation.Dsl.Messages.WarningMessages

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.MessageFormat
open ChannelDistillation.Dsl.Messages.Phrases

let private beyond part =
    match part with
    | Start(loss, after) -> $"{code loss} would start after epoch {after}, so its weight stays 0"
    | Growing(loss, until) -> $"the weight of {code loss} would grow until epoch {until}"
    | Decaying(loss, epoch) -> $"the weight of {code loss} would change in epoch {epoch}"

/// None for diagnostics of other groups.
let message (diagnostic: Diagnostic) : Message option =
    match diagnostic with
    | UnusedLosses losses ->
        let what = if losses.Length = 1 then "loss" else "losses"
        say "UNUSED LOSS" $"No variant uses the {what} {codes losses}." ""
    | SettingPartlyOverridden(path, overrides) ->
        let text, hint = overriding path overrides
        say "SETTING OVERRIDDEN" $"Not every run uses all of this setting: {text}." hint
    | ExcludesNoRun paths ->
        let what = if paths.Length = 1 then "axis" else "axes"
        say "NOTHING EXCLUDED" $"No variant of this entry depends on the {what} {codes paths}, so it excludes nothing." ""
    | BatchLargerThanDataset(batch, images) ->
        say "LARGE BATCH" $"A batch of {batch} is larger than the training set ({images} images), so an epoch is one step." ""
    | LargeLearningRate rate ->
        say
            "LARGE LEARNING RATE"
            $"A learning rate of {Numbers.show rate} without warm-up usually diverges."
            "lower it, or add `warmup: { epochs: 5 }` to `lr_schedule`."
    | UnusedAxis path -> say "UNUSED AXIS" $"No variant depends on the axis {code path}, so it adds no runs." ""
    | SameInitialWeights(file, seeds) ->
        say
            "SAME INITIAL WEIGHTS"
            $"All {seeds} seeds start from the weights in {code file}; they differ only in the order of images."
            "export one file for each seed, and write `{seed}` in the path: `student-{seed}.pt`."
    | ExcludeMatchesNothing(path, values) ->
        say "NOTHING EXCLUDED" $"The axis {code path} has no such value, so this excludes nothing." $"the axis has the values {codes values}."
    | DatasetReplaced ->
        say
            "SETTINGS REPLACED"
            "A value of the axis `dataset` replaces the whole section, including its settings beside the name."
            "use `dataset.name` as the axis to keep them."
    | ScheduleTooLong(variant, epochs, parts, others) ->
        let parts = System.String.Join("; ", parts |> List.map beyond)

        let more =
            match others with
            | [] -> ""
            | [ one ] -> $" The same applies to {code one}."
            | several -> $" The same applies to {codes several}."

        say "SCHEDULE TOO LONG" $"The schedule of the variant {code variant} is longer than training ({inEpochs epochs}): {parts}.{more}" ""
    | ZeroWeight(loss, variant, others) ->
        let row = if others.IsEmpty then "variant" else "variants"

        say "LOSS HAS NO EFFECT" $"The weight of {code loss} is 0 in the {row} {codes (variant :: others)}." "give it a weight, or remove the loss."
    | WeightAlwaysZero(loss, variant, epochs, others) ->
        let row = if others.IsEmpty then "variant" else "variants"

        say
            "LOSS HAS NO EFFECT"
            $"The schedule of {code loss} keeps its weight at 0 throughout training ({inEpochs epochs}) in the {row} {codes (variant :: others)}."
            "change the schedule, or remove the loss."
    | LearningRateStepAfterEnd(epoch, epochs) ->
        say "SCHEDULE TOO LONG" $"The learning rate would change after epoch {epoch}, but training ends after {inEpochs epochs}." ""
    | PublishedWithoutRow(name, _, near) ->
        say "UNKNOWN VARIANT" $"There is no variant {code name}, so these published numbers get a separate row." (suggest near)
    | UnmatchedPoint others ->
        let more =
            match others with
            | 0 -> ""
            | several -> " The same applies to " + count several "other point" + "."

        say "UNMATCHED POINT" $"No row matches this point, so its published numbers are not shown.{more}" ""
    | _ -> None
