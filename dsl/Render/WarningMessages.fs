/// What is said about harmless things that are probably not meant.
module internal ChannelDistillation.Dsl.WarningMessages

open ChannelDistillation.Dsl.Words
open ChannelDistillation.Dsl.Phrases

let private beyond epochs part =
    match part with
    | Start(loss, after) -> $"{code loss} would start after epoch {after}, so its weight stays 0"
    | Decaying(loss, epoch) -> $"the weight of {code loss} would change in epoch {epoch}"

/// Nothing for mistakes of another kind.
let message (mistake: Mistake) : Message option =
    match mistake with
    | UnusedLoss loss -> say "UNUSED LOSS" $"No variant uses the loss {code loss}." ""
    | UnusedAxis path -> say "UNUSED AXIS" $"No variant depends on {code path}, so it multiplies nothing." ""
    | ExcludeMatchesNothing -> say "NOTHING EXCLUDED" "No point of the grid matches this." ""
    | NeverHappens(variant, epochs, parts) ->
        let parts = System.String.Join("; ", parts |> List.map (beyond epochs))
        say "NEVER HAPPENS" $"Training ends after {inEpochs epochs}, before all of the schedule of {code variant} has happened: {parts}." ""
    | RateNeverChanges(epoch, epochs) ->
        say "NEVER HAPPENS" $"The learning rate would change after epoch {epoch}, but training ends after {inEpochs epochs}." ""
    | PublishedWithoutRow(name, _, near) -> say "UNKNOWN ROW" $"There is no variant {code name}; these numbers get a row of their own." (suggest near)
    | _ -> None
