/// What is said about single values.
module internal ChannelDistillation.Dsl.Messages.ValueMessages

open System
open System.Text.RegularExpressions
open ChannelDistillation.Models
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Words
open ChannelDistillation.Dsl.Messages.Phrases

let private wanted want =
    match want with
    | WantText -> "I need a word here"
    | WantNumber -> "I need a number here"
    | WantWholeNumber -> "I need a whole number here"
    | WantFlag -> "I need `true` or `false` here"
    | WantList
    | WantEntries _ -> "I need a list here"
    | WantMapping _ -> "I need a mapping (`key: value`) here"
    | WantMappingOr word -> $"I need a mapping (`key: value`) or {code word} here"
    | WantOneOf words -> $"I need one of {either words} here"

/// The list that a word was probably meant to be: `0-4` and `1..6` as whole numbers, `ce + cd` and `ce, cd` as words.
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

let private wrongKind want found' =
    let text = $"{wanted want}, but {found found'}."

    match want, found' with
    | (WantNumber | WantWholeNumber), ListThere ->
        say "NOT A NUMBER" text "several values are an axis: `grid: { product: { PATH: [...] } }`, with the path of this key."
    | WantList, (PlainText word | QuotedText word) ->
        say
            "NOT A LIST"
            text
            (let list = asList word in

             if list.Contains ',' then
                 $"write a list: {code list}."
             else
                 $"write a list, also of one: {code list}.")
    | WantEntries entries, _ ->
        let list = code (Emit.flow (Items(List.map Scalar entries)))

        say
            "NOT A LIST"
            text
            (if entries.Length = 1 then
                 $"write a list, also of one: {list}."
             else
                 $"write a list: {list}.")
    | WantList, NothingThere -> say "MISSING VALUE" text "write a list: `[a, b]`."
    | WantList, _ -> say "NOT A LIST" text "write a list: `[a, b]`."
    | WantMapping _, NothingThere -> say "MISSING VALUE" text "write keys and values below it, indented by two spaces, or remove the key."
    | WantMapping(Some key), (PlainText word | QuotedText word) -> say "NOT A MAPPING" text $"did you mean `{{ {key}: {word} }}`?"
    | (WantMapping _ | WantMappingOr _), (PlainText _ | QuotedText _ | ListThere) ->
        say "NOT A MAPPING" text "write keys and values in braces, `{ key: value }`, or below it, indented by two spaces."
    | WantMappingOr word, NothingThere -> say "MISSING VALUE" text $"write {code word} if there is none."
    | _, NothingThere -> say "MISSING VALUE" text "write a value after the colon, or remove the key."
    | WantText, _ -> say "NOT A WORD" text ""
    | (WantNumber | WantWholeNumber), _ -> say "NOT A NUMBER" text ""
    | _ -> say "WRONG KIND" text ""

let private unknown thing name legal near =
    match thing with
    | Loss -> say "UNKNOWN LOSS" $"I do not know a loss called {code name}." (andKnown (maybe described near) legal)
    | Model -> say "UNKNOWN MODEL" $"I do not know a model called {code name}." (andKnown (suggest near) legal)
    | Dataset ->
        say
            "UNKNOWN DATASET"
            $"I do not know a dataset called {code name}."
            (andKnown (suggest near) legal + " For a folder of images: `{ image_folder: PATH, classes: N }`.")
    | KnownTeacher when not (isNull (ModelCatalog.Find name)) ->
        say
            "TEACHER WITHOUT WEIGHTS"
            $"{code name} is a network, and I do not know where this teacher's weights come from."
            ((if near.IsEmpty then "write" else suggest near + " Otherwise write")
             + $" `{{ model: {name}, train: {{}} }}` to train it first, or `{{ model: {name}, checkpoint: FILE }}`.")
    | KnownTeacher ->
        say
            "UNKNOWN TEACHER"
            $"I do not know a teacher called {code name}."
            (andKnown (suggest near) legal + " One of your own: `{ model: NETWORK, checkpoint: FILE }`.")
    | Choice key -> say "UNKNOWN VALUE" $"{code name} is no value of {code key}." (andKnown (suggest near) legal)

/// Nothing for mistakes of another kind.
let message (mistake: Diagnostic) : Message option =
    match mistake with
    | WrongKind(want, found) -> wrongKind want found
    | NotANumber(text, Some number) -> say "NOT A NUMBER" $"I need a number here, and cannot read {code text} as one." $"did you mean {code number}?"
    | NotANumber(text, None) ->
        say "NOT A NUMBER" $"I need a number here, and cannot read {code text} as one." "numbers look like `6`, `0.1`, `.5` or `1e-4`."
    | NumberInQuotes text -> say "NUMBER IN QUOTES" "In quotation marks this is a text, and I need a number here." $"write {code text} without them."
    | NotWhole text -> say "NOT A WHOLE NUMBER" $"I need a whole number here, and {code text} is none." ""
    | NotAFlag(text, Some word) -> say "NOT TRUE OR FALSE" $"I need `true` or `false` here, but this is {code text}." $"did you mean {code word}?"
    | NotAFlag(text, None) -> say "NOT TRUE OR FALSE" $"I need `true` or `false` here, but this is {code text}." ""
    | OutOfRange(key, text, range) -> say "OUT OF RANGE" $"{code key} must be {bounds range}, but this is {code text}." ""
    | TooLarge(key, text, most) ->
        let most = most.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)
        say "TOO LARGE" $"{code key} can be {most} at most, but this is {code text}." ""
    | NegativeWeight(loss, text) ->
        say
            "NEGATIVE WEIGHT"
            "A loss weight must be 0 or more; a negative one would push the student away from what it should learn."
            $"did you mean {code (text.TrimStart '-')}? To drop the loss, remove {code loss} from its variants."
    | UnknownKey(key, place, legal, near, elsewhere) ->
        let hint =
            match near, elsewhere with
            | [], right :: _ -> $"{code key} belongs in {inside (place @ List.truncate (right.Length - 1) right)}."
            | _ -> suggest near

        say "UNKNOWN KEY" $"There is no key {code key} in {inside place}." (andKnown hint legal)
    | MissingKey(key, [], doc) -> say "MISSING KEY" $"An experiment needs the key {code key}." $"{code key}: {doc}"
    | MissingKey(key, place, doc) -> say "MISSING KEY" $"{inside place} needs the key {code key}." $"{code key}: {doc}"
    | UnknownName(thing, name, legal, near) -> unknown thing name legal near
    | NotOneChoice(key, legal, []) -> say "NOTHING CHOSEN" $"{code key} needs one of {either legal}." ""
    | NotOneChoice(key, _, found) -> say "TWO CHOICES" $"{codes found} are alternatives: {code key} takes one of them." "remove the others."
    | WarmupAlone(legal, warmup) ->
        say
            "NOTHING CHOSEN"
            $"A warm-up leads to the learning rate and its schedule, and no schedule is written here: one of {either legal}."
            $"for a learning rate that stays as it is, write `{{ constant: {{}}, warmup: {warmup} }}`."
    | CaseWithoutSettings(case, keys) ->
        let settings = System.String.Join(", ", [ for key in keys -> key + ": ..." ])
        say "MISSING SETTINGS" $"{code case} needs settings of its own." $"write `{{ {case}: {{ {settings} }} }}`."
    | SeedCount count ->
        let seeds = System.String.Join(", ", [ 0 .. max 0 (min (count - 1) 9) ])
        let more = if count > 10 then ", ..." else ""
        say "NOT A LIST" "I need a list of seeds here, not how many there are." $"write `[{seeds}{more}]`."
    | ListForNames section ->
        let example =
            if section = "losses" then
                "`{ ce: {}, kd: { temperature: 4 } }`"
            else
                "`{ student: [ce], kd: [ce, kd] }`"

        say
            "NOT A MAPPING"
            $"{code section} is a mapping from names to what they are, and this is a list."
            $"write {example}, or one to a line without dashes."
    | EmptyEntry list -> say "EMPTY ENTRY" $"This entry of {code list} holds nothing." "remove it, or write paths and values into it."
    | OneForList(key, "{}") -> say "NOT A LIST" $"{code key} is a list of mappings, and this is a mapping." "remove it, or write `[]`."
    | OneForList(key, written) ->
        say "NOT A LIST" $"{code key} is a list of mappings, and this is one mapping." ("put it in brackets: " + code $"[{written}]" + ".")
    | EmptyList key -> say "EMPTY LIST" $"{code key} must hold at least one entry." ""
    | Twice(key, value) -> say "TWICE" $"{code value} is already in this list of {code key}." "remove one of the two."
    | NotIncreasing(before, after) -> say "OUT OF ORDER" $"Epochs must rise, but {code after} comes after {code before}." ""
    | NotSmallestAndLargest(key, example) -> say "NOT A RANGE" $"{code key} is a list of two: the smallest, and the largest." $"write {code example}."
    | NotPerChannel(key, channels, count) ->
        let values = if channels = 1 then "1 number" else $"{channels} numbers"
        say "WRONG COUNT" $"{code key} needs {values}, one for each channel of the images; these are {count}." ""
    | NotForPhotographs(key, dataset) ->
        say
            "NOT FOR PHOTOGRAPHS"
            $"{code key} pads small images, and {dataset} holds photographs."
            "`resized_crop` is what varies those; without it the dataset's own is used."
    | ForPhotographsOnly(key, dataset) ->
        say "FOR PHOTOGRAPHS ONLY" $"{code key} scales photographs, and the images of {dataset} are small." "`pad` and `mode` are what varies those."
    | NotKnownWith(dataset, name, []) ->
        say
            "UNKNOWN NORMALISATION"
            $"The dataset {dataset} is not known with a normalisation called {code name}."
            "write `{ mean: [...], std: [...] }`, or leave it out."
    | NotKnownWith(dataset, name, legal) ->
        say "UNKNOWN NORMALISATION" $"The dataset {dataset} is not known with a normalisation called {code name}." (andKnown "" legal)
    | NotWrittenLike(key, text, examples) ->
        say "CANNOT BE READ" $"I cannot read {code text} as a value of {code key}." $"it looks like {either examples}."
    | OptionTaken(name, reason) -> say "OPTION IN USE" $"{code name} cannot be one of `slurm.options`: {reason}." ""
    | TimeOfTwoParts(text, hours, minutes) ->
        say
            "HOURS OR MINUTES"
            $"To Slurm a `time` of two parts is minutes and seconds, and {code text} looks like hours and minutes."
            $"write {code hours} for hours and minutes, or {code minutes} for minutes and seconds."
    | NotShell(key, reason) ->
        say
            "NOT A SHELL COMMAND"
            $"bash cannot read {code key}: {reason}."
            "these lines become part of a script; `bash -n` checks them without running them."
    | TimeOfNothing text ->
        say
            "NO TIME"
            $"An element can do nothing with a `time` of {code text}."
            "write how long one may run, such as `04:00:00`; without the key `time` it is as long as the partition lets."
    | TimeTooShort(text, saveSeconds, least) ->
        say
            "SHORT TIME LIMIT"
            ($"With a `time` of {code text} there is not a minute left to train: the runs of an element save their state "
             + $"{saveSeconds} seconds before its end (`save_seconds`).")
            $"write {code (string least)} (minutes) or more, or fewer `save_seconds`: in `slurm` of the experiment, or in the site's slurm.yaml."
    | KeyAroundFile key ->
        say
            "KEY TOO MUCH"
            $"This whole file is the section {code key}: its keys stand here by themselves."
            $"take the line `{key}:` away, and the indentation of the lines below it."
    | BadName(_, name, "") -> say "LONG NAME" $"{code name} is too long for the name of a folder." "80 characters are allowed."
    | BadName(key, name, character) ->
        say
            "BAD NAME"
            $"The name {code name} of the {key} cannot be a part of a folder's name: {code character} is not possible there."
            "use letters, digits, `+`, `-`, `_`, `.` and spaces; do not start with `-`, nor start or end with a dot or a space."
    | DeviceName name -> say "RESERVED NAME" $"{code name} is a reserved device name on Windows and cannot name a folder." "give it another name."
    | ReservedName name -> say "RESERVED NAME" $"{code name} is the name of the teacher's own row of the table." "give the variant another name."
    | _ -> None
