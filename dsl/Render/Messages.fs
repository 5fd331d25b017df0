/// What is said about each mistake. Every word that a user reads about an experiment file is in this folder.
module internal ChannelDistillation.Dsl.Messages

open ChannelDistillation.Losses
open ChannelDistillation.Dsl.Words

type Message = { Title: string; Text: string; Hint: string }

let private say title text hint = { Title = title; Text = text; Hint = hint }

/// Full names for losses, where they help to choose.
let private described (name: string) =
    match LossCatalog.Find name with
    | null -> code name
    | loss -> $"{code name} ({loss.Title.ToLowerInvariant()})"

let private maybe describe (near: string list) =
    match near with
    | [] -> ""
    | _ ->
        let words = near |> List.map describe
        let joined = System.String.Join(" or ", words)
        $"maybe you want {joined}?"

let private suggest = maybe code

let private andKnown (hint: string) (legal: string list) =
    let list = if legal.IsEmpty then "" else $"I know: {known legal}."
    (hint + " " + list).Trim()

let private anchor name = code ("&" + name)
let private counted number = count number "value"
let private inEpochs number = count number "epoch"

let private yaml mistake =
    match mistake with
    | UnclosedQuote ->
        say "OPEN QUOTE" "This quotation mark is never closed." "put the same mark at the end of the text, or leave both out: most texts need none."
    | UnclosedBracket opening ->
        let closing = if opening = "[" then "]" else "}"

        say
            "OPEN BRACKET"
            $"This {code opening} is never closed, or something between it and its end is missing."
            $"there may be a comma missing between two values, or a {code closing} at the end."
    | UnexpectedClosing closing -> say "STRAY BRACKET" $"This {code closing} closes nothing." "remove it, or write the bracket that it should close."
    | NoSpaceAfterColon -> say "NO SPACE AFTER COLON" "YAML sees one word here, not a key and a value." "put a space after the colon: `key: value`."
    | ColonInValue ->
        say
            "TWO COLONS"
            "There are two `: ` on this line, and YAML allows one."
            "put the value in quotes, or in braces if it is a mapping: `key: { a: 1 }`."
    | BadIndent ->
        say
            "INDENTATION"
            "This line is not where I expect it: keys of one mapping must begin in the same column."
            "compare its indentation with the lines above."
    | DashAfterKey ->
        say
            "LIST AFTER A KEY"
            "A list with dashes cannot begin on the line of its key."
            "begin it on the next line, or write it in brackets: `[a, b]`."
    | AfterValue ->
        say
            "TWO VALUES"
            "There is something after the value on this line that does not belong to it."
            "put the whole value in quotes, or begin a new line."
    | ReservedCharacter character -> say "RESERVED CHARACTER" $"In YAML no value can begin with {code character}." "put the value in quotes."
    | BadEscape ->
        say
            "UNKNOWN ESCAPE"
            "I do not know this escape sequence (a backslash and what follows it)."
            "in single quotes a backslash is a plain character."
    | Unreadable ->
        say "NOT YAML" "I cannot make sense of the file from here on." "a bracket, a quotation mark or the indentation just before this may be wrong."

let private file mistake =
    match mistake with
    | FileNotFound near -> say "NO SUCH FILE" "There is no such file." (suggest near)
    | FileUnreadable reason -> say "UNREADABLE FILE" $"I cannot read this file: {reason}." ""
    | FileEmpty -> say "EMPTY FILE" "There is nothing in this file." "`experiments/quickstart.yaml` is a good one to begin with."
    | FileTooLarge(bytes, limit) ->
        say
            "LARGE FILE"
            $"This file has {large (float bytes)} bytes; no experiment needs more than {large (float limit)}."
            "is it another kind of file? Long lists of values are shorter as a range: `{ from: 1, to: 10, count: 4 }`."
    | NotUtf8 ->
        say "NOT UTF-8" "This is not UTF-8 text." "save the file as UTF-8; if it is a picture, an archive or a checkpoint, it is not an experiment."
    | ControlCharacter value ->
        say
            "CONTROL CHARACTER"
            $"There is a character here that no text should hold (number {value})."
            "delete it; it may be invisible in your editor."
    | TabIndent ->
        say
            "TAB"
            "This line is indented with a tab, and YAML takes spaces only."
            "replace each tab by two spaces; editors can do so for the whole file."
    | Syntax mistake -> yaml mistake
    | TooDeep limit -> say "TOO DEEP" $"Lists and mappings are nested more than {limit} levels deep here." "no experiment needs more than ten."
    | TooManyValues limit ->
        say
            "TOO MANY VALUES"
            $"With all aliases (`*name`) written out, this file holds more than {large (float limit)} values."
            "an alias of aliases grows quickly; write out what is meant."
    | SeveralDocuments ->
        say "SEVERAL DOCUMENTS" "A second YAML document begins here, and a file holds one experiment." "remove the `---`, or use two files."
    | DuplicateKey(key, line) ->
        say "DUPLICATE KEY" $"The key {code key} is already on line {line} of this mapping." "remove one of the two, or rename it."
    | UnknownAnchor(name, near) -> say "UNKNOWN ANCHOR" $"There is no anchor {anchor name} above this." (maybe (fun name -> code ("*" + name)) near)
    | AnchorInsideItself name -> say "ENDLESS ALIAS" $"This alias stands inside the anchor {anchor name} that it repeats, so it would never end." ""
    | MergeOfNoMapping ->
        say "NOTHING TO MERGE" "`<<` takes over the keys of a mapping, and this is none." "name an anchor of a mapping: `<<: *name`."
    | KeyNotText -> say "STRANGE KEY" "A key must be a word, not a list or a mapping." ""
    | TagUsed tag -> say "YAML TAG" $"Experiments have no YAML tags like {code tag}." "remove it: what a value is follows from its key."
    | _ -> invalidOp "Not a mistake of the file."

let private wanted want =
    match want with
    | WantText -> "I need a word here"
    | WantNumber -> "I need a number here"
    | WantWholeNumber -> "I need a whole number here"
    | WantFlag -> "I need `true` or `false` here"
    | WantList -> "I need a list here"
    | WantMapping _ -> "I need a mapping (`key: value`) here"
    | WantMappingOr word -> $"I need a mapping (`key: value`) or {code word} here"
    | WantOneOf words -> $"I need one of {either words} here"

let private wrongKind want found' =
    let text = $"{wanted want}, but {found found'}."

    match want, found' with
    | WantList, (PlainText word | QuotedText word) -> say "NOT A LIST" text $"write a list, also of one: `[{word.Trim('[', ']')}]`."
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
    | Choice key -> say "UNKNOWN VALUE" $"{code name} is no value of {code key}." (andKnown (suggest near) legal)

let private value mistake =
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
    | CaseWithoutSettings(case, keys) ->
        let settings = System.String.Join(", ", [ for key in keys -> key + ": ..." ])
        say "MISSING SETTINGS" $"{code case} needs settings of its own." $"write `{{ {case}: {{ {settings} }} }}`."
    | SeedCount count ->
        let seeds = System.String.Join(", ", [ 0 .. max 0 (min (count - 1) 9) ])
        let more = if count > 10 then ", ..." else ""
        say "NOT A LIST" "I need a list of seeds here, not how many there are." $"write `[{seeds}{more}]`."
    | EmptyList key -> say "EMPTY LIST" $"{code key} must hold at least one entry." ""
    | Twice(key, value) -> say "TWICE" $"{code value} is already in this list of {code key}." "remove one of the two."
    | NotIncreasing(before, after) -> say "OUT OF ORDER" $"Epochs must rise, but {code after} comes after {code before}." ""
    | BadName(_, name, "") -> say "LONG NAME" $"{code name} is too long for the name of a folder." "80 characters are allowed."
    | BadName(key, name, character) ->
        say
            "BAD NAME"
            $"The name {code name} of the {key} cannot be a part of a folder's name: {code character} is not possible there."
            "letters, digits, `+`, `-`, `_`, `.` and spaces are, dots and spaces only between others."
    | ReservedName name -> say "RESERVED NAME" $"{code name} is the name of the teacher's own row of the table." "give the variant another name."
    | _ -> invalidOp "Not a mistake of a value."

let private experiment mistake =
    match mistake with
    | TeacherWithoutSource ->
        say
            "TEACHER WITHOUT WEIGHTS"
            "I do not know where the weights of this teacher come from."
            "give it `checkpoint: FILE`, or `train: { epochs: 10 }` to train it first."
    | TeacherWithTwoSources ->
        say "TWO KINDS OF TEACHER" "A teacher has a `checkpoint`, or it is trained by `train`, but not both." "remove one of the two."
    | NameAndFolder ->
        say
            "TWO DATASETS"
            "`image_folder` and `classes` describe a folder of images, `name` a known dataset: it cannot be both."
            "remove one of the two."
    | UndeclaredLoss(loss, variant, declared, near) ->
        let text = $"The variant {code variant} uses {code loss}, which is not declared in `losses`."

        let hint =
            if near.IsEmpty && not (isNull (LossCatalog.Find loss)) then
                $"declare it there: `{loss}: {{}}`. Declared are: {known declared}."
            else
                (maybe described near + $" Declared are: {known declared}.").Trim()

        say "UNDECLARED LOSS" text hint
    | NoTeacher(loss, variant, others) ->
        let text = $"The loss {code loss} of {code variant} learns from a teacher, but this experiment has none (`teacher: none`)."

        let more =
            match others with
            | [] -> ""
            | [ one ] -> $" So does a loss of {code one}."
            | several -> $" So do losses of {codes several}."

        say "NO TEACHER" (text + more) "give the experiment a `teacher`, or keep to losses that need none, such as `ce`."
    | CannotPair(loss, student, teacher, reason) ->
        say
            "FEATURES DO NOT PAIR"
            $"The loss {code loss} cannot compare the student {code student} with the teacher {code teacher}: {reason}."
            "choose a student and a teacher of the same family, or leave the loss out."
    | StemNotThere(model, stem, legal) ->
        say
            "NO SUCH STEM"
            $"{code model} cannot be built with the stem {code stem}."
            $"it has {either legal}; without `stem`, the right one is chosen."
    | ExtendsNotFound(path, near) ->
        say
            "NO SUCH FILE"
            $"This experiment builds on {code path}, which does not exist. The path is relative to the folder of this file."
            (suggest near)
    | ExtendsItself chain ->
        let chain = System.String.Join(" -> ", List.map code chain)
        say "ENDLESS EXTENDS" $"These files build on one another in a circle: {chain}." "remove one `extends`."
    | ExtendsTooLong limit -> say "LONG CHAIN" $"More than {limit} files build on one another." ""
    | ScriptFails output -> say "SCRIPT FAILS" ("This script ended with an error:\n" + System.String.Join("\n", output)) ""
    | ScriptSaysNothing -> say "NO EXPERIMENT" "This script ran, but gave no experiment." "end it with `|> emit`."
    | SetWithoutValue -> say "NO VALUE" "I need a path and a value: `--set train.epochs=2`." ""
    | SetTooLate path -> say "NOT A SETTING" $"{code path} can only be written in the file." ""
    | SetThroughValue(path, segment) ->
        say "NO SUCH PATH" $"{inside path} is no mapping, so there is no {code segment} in it." "set the whole of it instead."
    | _ -> invalidOp "Not a mistake of an experiment."

let private grid mistake =
    match mistake with
    | UnknownPath(path, segment, after, legal, near) ->
        say "UNKNOWN PATH" $"There is no {code path} in this experiment: {inside after} has no {code segment}." (andKnown (suggest near) legal)
    | NotAnAxis "seeds" -> say "NOT AN AXIS" "Seeds multiply every row already." "list them under `seeds`."
    | NotAnAxis path -> say "NOT AN AXIS" $"{code path} cannot vary within an experiment." ""
    | PathOverlap(path, other) when path = other -> say "AXIS TWICE" $"{code path} is an axis already." "put all of its values in one place."
    | PathOverlap(path, other) -> say "OVERLAPPING AXES" $"{code path} and {code other} set the same thing." "keep one of the two."
    | NotDeclaredOnPath(path, loss) ->
        say "UNDECLARED LOSS" $"{code path} varies the loss {code loss}, which is not declared in `losses`." $"declare it there: `{loss}: {{}}`."
    | CaseNotThere(path, case) ->
        say
            "UNKNOWN PATH"
            $"{code path} is a setting of {code case}, but the experiment chooses something else there."
            "vary the whole of it instead, or change what the experiment chooses."
    | PartNotThere(path, part) ->
        say "UNKNOWN PATH" $"{code path} is a part of {code part}, and this experiment does not have that." "write it in the experiment first."
    | NoAxis -> say "EMPTY GRID" "This grid has no axis." ""
    | ZipLengths(path, length, other, otherLength) ->
        say
            "UNEVEN ZIP"
            $"Values of zipped axes go together one by one, but {code path} has {counted length} and {code other} has {counted otherLength}."
            "give both the same number, or use `product`."
    | ExcludeUnknownAxis(path, axes, near) ->
        let hint = if axes.IsEmpty then "" else $"Axes are: {known axes}."
        say "NOT AN AXIS HERE" $"{code path} is no axis of this grid, so no point can be left out by it." ((suggest near + " " + hint).Trim())
    | UnknownVariant(name, legal, near) -> say "UNKNOWN VARIANT" $"There is no variant {code name}." (andKnown (suggest near) legal)
    | RangeBackwards(from, upTo) -> say "BACKWARD RANGE" $"A range must end above its beginning, but this one goes from {from} to {upTo}." ""
    | RangeNotPositive text ->
        say
            "RANGE FROM ZERO"
            $"With `scale: log` a range must begin above 0, but this one begins at {code text}."
            "begin at a small number such as `1e-4`, or use `scale: linear`."
    | RangeTooDense(from, upTo, count) ->
        say "DENSE RANGE" $"There are fewer than {count} whole numbers from {from} to {upTo}." "lower `count`, or leave it out to get all of them."
    | GridTooLarge(points, limit) ->
        say
            "HUGE GRID"
            $"This grid has {large points} points; {large (float limit)} is the most that can be planned."
            "use fewer values, or `zip` axes that belong together."
    | EverythingExcluded -> say "NOTHING LEFT" "`exclude` leaves nothing of this experiment." ""
    | ManyRuns(runs, limit) ->
        say "MANY RUNS" $"This experiment has {large (float runs)} runs, more than {large (float limit)}." "if that is meant, add `--yes`."
    | _ -> invalidOp "Not a mistake of a grid."

let private beyond epochs part =
    match part with
    | Start(loss, after) -> $"{code loss} would start after epoch {after}, so its weight stays 0"
    | Decaying(loss, epoch) -> $"the weight of {code loss} would change in epoch {epoch}"

let private warning mistake =
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
    | _ -> invalidOp "Not a warning."

let message (problem: Problem) : Message =
    match problem.Mistake with
    | _ when problem.IsWarning -> warning problem.Mistake
    | FileNotFound _
    | FileUnreadable _
    | FileEmpty
    | FileTooLarge _
    | NotUtf8
    | ControlCharacter _
    | TabIndent
    | Syntax _
    | TooDeep _
    | TooManyValues _
    | SeveralDocuments
    | DuplicateKey _
    | UnknownAnchor _
    | AnchorInsideItself _
    | MergeOfNoMapping
    | KeyNotText
    | TagUsed _ -> file problem.Mistake
    | WrongKind _
    | NotANumber _
    | NumberInQuotes _
    | NotWhole _
    | NotAFlag _
    | OutOfRange _
    | NegativeWeight _
    | UnknownKey _
    | MissingKey _
    | UnknownName _
    | NotOneChoice _
    | EmptyList _
    | CaseWithoutSettings _
    | SeedCount _
    | Twice _
    | NotIncreasing _
    | BadName _
    | ReservedName _ -> value problem.Mistake
    | TeacherWithoutSource
    | TeacherWithTwoSources
    | NameAndFolder
    | UndeclaredLoss _
    | NoTeacher _
    | CannotPair _
    | StemNotThere _
    | ExtendsNotFound _
    | ExtendsItself _
    | ExtendsTooLong _
    | ScriptFails _
    | ScriptSaysNothing
    | SetWithoutValue
    | SetTooLate _
    | SetThroughValue _ -> experiment problem.Mistake
    | _ -> grid problem.Mistake
