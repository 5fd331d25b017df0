/// What is said about a file that is no experiment at all.
module internal ChannelDistillation.Dsl.Messages.FileMessages

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Words
open ChannelDistillation.Dsl.Messages.Phrases

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
    | MissingColon -> say "NO COLON" "There is no colon after this word, so that it is no key for the lines below it." "write `key:`."
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

/// Nothing for mistakes of another kind.
let message (mistake: Diagnostic) : Message option =
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
    | EscapedControl value ->
        say
            "CONTROL CHARACTER"
            $"In double quotes, a backslash and what follows it stand for one character: here for a control character (number {value})."
            "remove it; in single quotes a backslash is a plain character."
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
    | _ -> None
