/// What is said about harmless things that are probably not meant.
module internal ChannelDistillation.Dsl.Messages.WarningMessages

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Words
open ChannelDistillation.Dsl.Messages.Phrases

let private beyond epochs part =
    match part with
    | Start(loss, after) -> $"{code loss} would start after epoch {after}, so its weight stays 0"
    | Decaying(loss, epoch) -> $"the weight of {code loss} would change in epoch {epoch}"

/// Nothing for mistakes of another kind.
let message (mistake: Diagnostic) : Message option =
    match mistake with
    | UnusedLoss loss -> say "UNUSED LOSS" $"No variant uses the loss {code loss}." ""
    | UnusedAxis path -> say "UNUSED AXIS" $"No variant depends on {code path}, so it multiplies nothing." ""
    | SameInitialWeights(file, seeds) ->
        say
            "SAME INITIAL WEIGHTS"
            $"All {seeds} seeds begin with the weights in {code file}: they differ in the order of images only."
            "export one file for each seed, and write `{seed}` in the path: `student-{seed}.pt`."
    | ExcludeMatchesNothing(path, values) ->
        say "NOTHING EXCLUDED" $"This is no value of the axis {code path}, so no point is left out by it." $"its values are {codes values}."
    | DatasetReplaced ->
        say
            "SETTINGS LOST"
            "A value of the axis `dataset` takes the place of the whole section, and what the file says there beside the name is lost."
            "let the axis be `dataset.name`: then everything else stays."
    | NeverHappens(variant, epochs, parts, others) ->
        let parts = System.String.Join("; ", parts |> List.map (beyond epochs))

        let more =
            match others with
            | [] -> ""
            | [ one ] -> $" {code one} is cut short too."
            | several -> $" {codes several} are cut short too."

        say "NEVER HAPPENS" $"Training ends after {inEpochs epochs}, before all of the schedule of {code variant} has happened: {parts}.{more}" ""
    | NeverActs(loss, variant, epochs, others) ->
        say
            "NEVER ACTS"
            $"The schedule of {code loss} leaves it the weight 0 in all of {inEpochs epochs} of {codes (variant :: others)}."
            "change its schedule, or leave the loss out."
    | RateNeverChanges(epoch, epochs) ->
        say "NEVER HAPPENS" $"The learning rate would change after epoch {epoch}, but training ends after {inEpochs epochs}." ""
    | PublishedWithoutRow(name, _, near) -> say "UNKNOWN ROW" $"There is no variant {code name}; these numbers get a row of their own." (suggest near)
    | PublishedNowhere others ->
        let more =
            match others with
            | 0 -> ""
            | 1 -> " The same holds for another point."
            | several -> $" The same holds for {several} other points."

        say "NO SUCH POINT" $"No row has these values together, so these numbers are not shown.{more}" ""
    | _ -> None
