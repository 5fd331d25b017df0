/// Building blocks of messages.
module internal ChannelDistillation.Dsl.Messages.Phrases

open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.MessageFormat

type Message = { Title: string; Text: string; Hint: string }

let say title text hint = Some { Title = title; Text = text; Hint = hint }

/// The name of a loss, with its full name where that is known.
let described (name: string) =
    match LossCatalog.Find name with
    | null -> code name
    | loss -> $"{code name} ({loss.Title.ToLowerInvariant()})"

let suggest = didYouMean code

/// A hint followed by a list of the possible names: `... Valid keys: a, b.`
let withKnown (label: string) (hint: string) (legal: string list) =
    match hint, legal with
    | _, [] -> hint
    | "", _ -> $"{label}: {known legal}."
    | _ -> $"{hint} {System.Char.ToUpperInvariant label[0]}{label.Substring 1}: {known legal}."

let anchor name = code ("&" + name)
let counted number = count number "value"
let inEpochs number = count number "epoch"

/// What overrides a `--set` setting, as a clause, and how to set it there.
let overriding (path: string) (overrides: Override list) : string * string =
    let variants (names: string list) = (if names.Length = 1 then "the variant " else "the variants ") + codes names

    let clause (reason: Override) =
        match reason with
        | ByAxis(axis, _) -> $"the grid's axis {code axis} sets it"
        | ByVariants names -> $"""{variants names} {if names.Length = 1 then "sets" else "set"} it"""
        | ByPreset names -> $"the preset `edt` of {variants names} sets it"

    let hint =
        match overrides with
        | ByAxis(axis, "product") :: _ ->
            let at = "grid.product." + axis
            $"""to train only this value, set the axis: {code $"--set {at}=[VALUE]"}; to remove the axis: {code $"--set {at}=null"}."""
        | ByAxis _ :: _ -> "change the axis in `grid.zip`."
        | ByVariants(name :: _) :: _ ->
            let below = if path.StartsWith "losses." then path.Substring "losses.".Length else path
            $"""set it there: {code $"--set variants.{name}.{below}=VALUE"}."""
        | ByPreset(name :: _) :: _ -> $"""remove the preset: {code $"--set variants.{name}.edt=null"}."""
        | _ -> ""

    System.String.Join("; ", overrides |> List.map clause), hint
