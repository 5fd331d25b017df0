/// Messages about single values.
module internal ChannelDistillation.Dsl.Messages.ValueMessages

open System
open System.Text.RegularExpressions
open ChannelDistillation.Models
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.MessageFormat
open ChannelDistillation.Dsl.Messages.Phrases

let private expected wanted =
    match wanted with
    | WantText -> "text"
    | WantNumber -> "a number"
    | WantWholeNumber -> "a whole number"
    | WantFlag -> "`true` or `false`"
    | WantList
    | WantEntries _ -> "a list"
    | WantMapping _ -> "a mapping (`key: value`)"
    | WantMappingOr word -> $"a mapping (`key: value`) or {code word}"
    | WantOneOf words -> $"one of {either words}"

/// The list that a text probably stands for: `0-4` and `1..6` as whole numbers, `ce + cd` and `ce, cd` as words.
let private asList (word: string) =
    let range = Regex.Match(word, @"^(\d{1,6})\s*(?:-|:|\.{2,3})\s*(\d{1,6})$")
    let words = word.Trim('[', ']').Split([| ' '; '+'; ',' |], StringSplitOptions.RemoveEmptyEntries) |> List.ofArray

    let entries =
        if range.Success then
            let first, last = int range.Groups[1].Value, int range.Groups[2].Value
            [ for value in first .. min last (first + 9) -> string value ] @ (if last > first + 9 then [ "..." ] else [])
        else
            words

    match entries with
    | [] -> "[a, b]"
    | _ -> "[" + String.Join(", ", entries) + "]"

let private wrongKind wanted actual =
    let text = $"Expected {expected wanted}, but found {found actual}."

    match wanted, actual with
    | (WantNumber | WantWholeNumber), ListThere ->
        say "NOT A NUMBER" text "to compare several values, use an axis: `grid: { product: { PATH: [...] } }`, where PATH is the path of this key."
    | WantList, (PlainText word | QuotedText word) -> say "NOT A LIST" text $"write a list: {code (asList word)}."
    | WantEntries entries, _ ->
        let list = code (Emit.flow (Items(List.map Scalar entries)))
        say "NOT A LIST" text $"write a list: {list}."
    | WantList, NothingThere -> say "MISSING VALUE" text "write a list: `[a, b]`."
    | WantList, _ -> say "NOT A LIST" text "write a list: `[a, b]`."
    | WantMapping _, NothingThere -> say "MISSING VALUE" text "add keys below it, indented by two spaces, or remove it."
    | WantMapping(Some key), (PlainText word | QuotedText word) -> say "NOT A MAPPING" text $"did you mean `{{ {key}: {word} }}`?"
    | (WantMapping _ | WantMappingOr _), (PlainText _ | QuotedText _ | ListThere) ->
        say "NOT A MAPPING" text "write `{ key: value }`, or keys below it, indented by two spaces."
    | WantMappingOr word, NothingThere -> say "MISSING VALUE" text $"write {code word} if there is none."
    | _, NothingThere -> say "MISSING VALUE" text "add a value after the colon, or remove the key."
    | WantText, _ -> say "NOT TEXT" text ""
    | (WantNumber | WantWholeNumber), _ -> say "NOT A NUMBER" text ""
    | _ -> say "WRONG TYPE" text ""

let private unknown thing name legal near =
    match thing with
    | Loss -> say "UNKNOWN LOSS" $"There is no loss {code name}." (withKnown "known losses" (didYouMean described near) legal)
    | Model -> say "UNKNOWN MODEL" $"There is no model {code name}." (withKnown "known models" (suggest near) legal)
    | Dataset ->
        say
            "UNKNOWN DATASET"
            $"There is no dataset {code name}."
            (withKnown "known datasets" (suggest near) legal + " For a folder of images, write `{ image_folder: PATH, classes: N }`.")
    | KnownTeacher when not (isNull (ModelCatalog.Find name)) ->
        say
            "TEACHER WITHOUT WEIGHTS"
            $"{code name} is a model without weights."
            ((if near.IsEmpty then "write" else suggest near + " Otherwise write")
             + $" `{{ model: {name}, train: {{}} }}` to train it first, or `{{ model: {name}, checkpoint: FILE }}`.")
    | KnownTeacher ->
        say
            "UNKNOWN TEACHER"
            $"There is no teacher {code name}."
            (withKnown "known teachers" (suggest near) legal + " For your own, write `{ model: NETWORK, checkpoint: FILE }`.")
    | Choice key -> say "UNKNOWN VALUE" $"{code name} is not a valid value of {code key}." (withKnown "valid values" (suggest near) legal)

/// None for diagnostics of other groups.
let message (diagnostic: Diagnostic) : Message option =
    match diagnostic with
    | WrongKind(wanted, actual) -> wrongKind wanted actual
    | NotANumber(text, Some number) -> say "NOT A NUMBER" $"Expected a number, but found {code text}." $"did you mean {code number}?"
    | NotANumber(text, None) -> say "NOT A NUMBER" $"Expected a number, but found {code text}." "numbers look like `6`, `0.1`, `.5` or `1e-4`."
    | NumberInQuotes text -> say "NUMBER IN QUOTES" "Expected a number, but the quotes make this text." $"write {code text} without quotes."
    | NotWhole text -> say "NOT A WHOLE NUMBER" $"Expected a whole number, but found {code text}." ""
    // Without quotes it would have been accepted.
    | NotAFlag(text, Some word) when text = word ->
        say "NOT TRUE OR FALSE" "Expected `true` or `false`, but the quotes make this text." $"write {code word} without quotes."
    | NotAFlag(text, Some word) -> say "NOT TRUE OR FALSE" $"Expected `true` or `false`, but found {code text}." $"did you mean {code word}?"
    | NotAFlag(text, None) -> say "NOT TRUE OR FALSE" $"Expected `true` or `false`, but found {code text}." ""
    | OutOfRange(key, text, range) -> say "OUT OF RANGE" $"{code key} must be {bounds range}, but this is {code text}." ""
    | TooLarge(key, text, most) ->
        let most = most.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)
        say "TOO LARGE" $"{code key} must be {most} or less, but this is {code text}." ""
    | NegativeWeight(loss, text) ->
        say
            "NEGATIVE WEIGHT"
            $"A loss weight must be 0 or more, but this is {code text}."
            $"did you mean {code (text.TrimStart '-')}? To drop the loss, remove {code loss} from its variants."
    | UnknownKey(key, place, legal, near, elsewhere) ->
        let hint =
            match near, elsewhere with
            | [], right :: _ -> $"{code key} belongs in {inside (place @ List.truncate (right.Length - 1) right)}."
            | _ -> suggest near

        say "UNKNOWN KEY" $"{inside place} has no key {code key}." (withKnown "valid keys" hint legal)
    | MissingKey(key, place, doc) -> say "MISSING KEY" $"{inside place} needs the key {code key}." $"{code key}: {doc}"
    | UnknownName(thing, name, legal, near) -> unknown thing name legal near
    | NotOneChoice(key, legal, []) -> say "MISSING KEY" $"{code key} needs one of {either legal}." ""
    | NotOneChoice(key, _, found) -> say "CONFLICTING KEYS" $"{codes found} are alternatives; {code key} takes only one." "keep one of them."
    | WarmupAlone(legal, warmup) ->
        say
            "MISSING KEY"
            $"`warmup` needs a schedule beside it: {either legal}."
            $"for a constant learning rate after the warm-up, write `{{ constant: {{}}, warmup: {warmup} }}`."
    | CaseWithoutSettings(case, keys) ->
        let settings = System.String.Join(", ", [ for key in keys -> key + ": ..." ])
        say "MISSING SETTINGS" $"{code case} needs settings." $"write `{{ {case}: {{ {settings} }} }}`."
    | SeedCount count ->
        let seeds = System.String.Join(", ", [ 0 .. max 0 (min (count - 1) 9) ])
        let more = if count > 10 then ", ..." else ""
        say "NOT A LIST" "Expected a list of seeds, not their number." $"write `[{seeds}{more}]`."
    | ListForMapping section ->
        let example =
            if section = "losses" then
                "`{ ce: {}, kd: { temperature: 4 } }`"
            else
                "`{ student: [ce], kd: [ce, kd] }`"

        say
            "NOT A MAPPING"
            $"{code section} must be a mapping with names as keys, but this is a list."
            $"write {example}, or one name per line without dashes."
    | EmptyEntry list -> say "EMPTY ENTRY" $"This entry of {code list} is empty." "remove it, or add paths and values."
    | MappingForList(key, "{}") -> say "NOT A LIST" $"{code key} must be a list of mappings, but this is a mapping." "remove it, or write `[]`."
    | MappingForList(key, written) ->
        say "NOT A LIST" $"{code key} must be a list of mappings, but this is a mapping." ("put it in brackets: " + code $"[{written}]" + ".")
    | EmptyList key -> say "EMPTY LIST" $"{code key} needs at least one entry." ""
    | Twice(key, value) -> say "DUPLICATE VALUE" $"{code key} already contains {code value}." "remove one of them."
    | NotIncreasing(before, after) -> say "OUT OF ORDER" $"Epochs must increase, but {code after} comes after {code before}." ""
    | NotSmallestAndLargest(key, example) ->
        say "INVALID RANGE" $"{code key} must be a list of two numbers, the smallest and the largest." $"write, for example, {code example}."
    | NotPerChannel(key, channels, count) ->
        let values = if channels = 1 then "1 number" else $"{channels} numbers"
        say "WRONG COUNT" $"{code key} needs {values}, one for each channel of the images, but has {count}." ""
    | NotForImageFolders(key, dataset) ->
        say "NOT FOR IMAGE FOLDERS" $"{code key} pads small images, but {code dataset} is an image folder." "use `resized_crop` instead."
    | ForImageFoldersOnly(key, dataset) ->
        say
            "FOR IMAGE FOLDERS ONLY"
            $"{code key} scales images from image folders, but {code dataset} has small images."
            "use `pad` and `mode` instead."
    | NotKnownWith(dataset, name, legal) ->
        let hint = if legal.IsEmpty then "write `{ mean: [...], std: [...] }`, or omit it." else ""
        say "UNKNOWN NORMALISATION" $"The dataset {code dataset} has no normalisation {code name}." (withKnown "valid values" hint legal)
    | InvalidFormat(key, text, examples) ->
        say "INVALID VALUE" $"{code text} is not a valid value of {code key}." $"write, for example, {either examples}."
    | ReservedOption(name, reason) -> say "RESERVED OPTION" $"{code name} is not allowed in `slurm.options`: {reason}." ""
    | AmbiguousTime(text, hours, minutes) ->
        say
            "AMBIGUOUS TIME"
            $"Slurm reads a `time` of two parts as minutes and seconds, but {code text} looks like hours and minutes."
            $"write {code hours} for hours and minutes, or {code minutes} for minutes and seconds."
    | NotShell(key, reason) ->
        say "INVALID SHELL CODE" $"bash cannot parse {code key}: {reason}." "`bash -n SCRIPT` checks a script without running it."
    | ZeroTimeLimit text ->
        say
            "NO TIME"
            $"A `time` of {code text} leaves no time to train."
            "write a limit such as `04:00:00`, or omit `time` to use the partition's limit."
    | TimeTooShort(text, saveSeconds, least) ->
        say
            "SHORT TIME LIMIT"
            $"A `time` of {code text} leaves less than a minute to train: runs save their state {saveSeconds} seconds before the limit (`save_seconds`)."
            $"write `time: {least}` (minutes) or more, or lower `save_seconds`, in the experiment's `slurm` section or in the site's slurm.yaml."
    | SectionKeyInSectionFile key ->
        say
            "EXTRA KEY"
            $"This file is itself the section {code key}, so its keys belong at the top level."
            $"remove the line `{key}:` and unindent the lines below it."
    | BadName(_, name, "") -> say "LONG NAME" $"{code name} is too long for a folder name." "use at most 80 characters."
    | BadName(key, name, character) ->
        say
            "INVALID NAME"
            $"The {key} name {code name} cannot be part of a folder name because of {code character}."
            "use letters, digits, `+`, `-`, `_`, `.` and spaces; do not start with `-`, and do not start or end with a dot or a space."
    | DeviceName name -> say "RESERVED NAME" $"{code name} is a reserved device name on Windows and cannot name a folder." "choose another name."
    | ReservedName name -> say "RESERVED NAME" $"{code name} is reserved for the teacher's row of the table." "choose another name."
    | _ -> None
