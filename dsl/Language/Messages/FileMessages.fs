/// Messages about files that cannot be read as YAML.
module internal ChannelDistillation.Dsl.Messages.FileMessages

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.MessageFormat
open ChannelDistillation.Dsl.Messages.Phrases

let private yaml (diagnostic: SyntaxDiagnostic) =
    match diagnostic with
    | UnclosedQuote ->
        say "UNCLOSED QUOTE" "This quotation mark is not closed." "add the same mark at the end, or remove it: most text needs no quotes."
    | UnclosedBracket opening ->
        let closing = if opening = "[" then "]" else "}"

        say
            "UNCLOSED BRACKET"
            $"This {code opening} is not closed, or a comma is missing after it."
            $"add a {code closing} at the end, or a comma between the values."
    | UnexpectedClosing closing -> say "UNMATCHED BRACKET" $"This {code closing} has no opening bracket." "remove it, or add the opening bracket."
    | NoSpaceAfterColon ->
        say "NO SPACE AFTER COLON" "YAML reads this as one word, not as a key and a value." "add a space after the colon: `key: value`."
    | ColonInValue ->
        say "TWO COLONS" "This line has two `: `; YAML allows one." "put the value in quotes, or in braces if it is a mapping: `key: { a: 1 }`."
    | BadIndent -> say "INDENTATION" "The keys of a mapping must start in the same column, and this line does not." "align it with the lines above."
    | MissingColon -> say "NO COLON" "This word has no colon, so it cannot be the key of the lines below." "write `key:`."
    | DashAfterKey ->
        say "LIST AFTER A KEY" "A list with dashes cannot start on the line of its key." "start it on the next line, or use brackets: `[a, b]`."
    | AfterValue -> say "TEXT AFTER A VALUE" "The value on this line has already ended." "put the whole value in quotes, or start a new line."
    | ReservedCharacter character -> say "RESERVED CHARACTER" $"A YAML value cannot start with {code character}." "put the value in quotes."
    | BadEscape -> say "UNKNOWN ESCAPE" "YAML has no such escape sequence." "use single quotes, in which a backslash is an ordinary character."
    | Unreadable -> say "NOT YAML" "From here on, the file is not valid YAML." "check the brackets, quotation marks and indentation just before this."

/// None for diagnostics of other groups.
let message (diagnostic: Diagnostic) : Message option =
    match diagnostic with
    | FileNotFound near -> say "FILE NOT FOUND" "This file does not exist." (suggest near)
    | FileUnreadable reason -> say "UNREADABLE FILE" $"This file cannot be read: {reason}." ""
    | FileEmpty -> say "EMPTY FILE" "This file has no content." "start from `experiments/quickstart.yaml`."
    | FileTooLarge(bytes, limit) ->
        say
            "FILE TOO LARGE"
            $"This file has {large (float bytes)} bytes; the limit is {large (float limit)}."
            "is it an experiment? Long lists of values are shorter as a range: `{ from: 1, to: 10, count: 4 }`."
    | NotUtf8 -> say "NOT UTF-8" "This file is not UTF-8 text." "save it as UTF-8. Images, archives and checkpoints are not experiments."
    | ControlCharacter value ->
        say "CONTROL CHARACTER" $"This is a control character (code {value}), which is not allowed." "delete it; your editor may not show it."
    | EscapedControl value ->
        say
            "CONTROL CHARACTER"
            $"An escape sequence in this text stands for a control character (code {value}), which is not allowed."
            "remove it, or use single quotes, in which a backslash is an ordinary character."
    | TabIndent ->
        say "TAB" "This line is indented with a tab; YAML allows only spaces." "replace the tabs with spaces; most editors can convert a file."
    | Syntax diagnostic -> yaml diagnostic
    | TooDeep limit -> say "TOO DEEP" $"Lists and mappings are nested more than {limit} levels deep." "no experiment needs more than ten."
    | TooManyValues limit ->
        say
            "TOO MANY VALUES"
            $"With all aliases (`*name`) expanded, this file has more than {large (float limit)} values."
            "aliases of aliases multiply; write the values out."
    | SeveralDocuments ->
        say "SEVERAL DOCUMENTS" "A second YAML document starts here; a file holds one experiment." "remove the `---`, or use two files."
    | ConflictMarker ->
        say
            "MERGE CONFLICT"
            "Git has left a conflict here: both versions are in the file, between `<<<<<<<` and `>>>>>>>`."
            "keep one version of the lines, and remove the markers."
    | DuplicateKey(key, line) -> say "DUPLICATE KEY" $"This mapping already has the key {code key}, in line {line}." "remove or rename one of them."
    | UnknownAnchor(name, near) ->
        say "UNKNOWN ANCHOR" $"No anchor {anchor name} is defined above this line." (didYouMean (fun name -> code ("*" + name)) near)
    | AnchorInsideItself name -> say "CIRCULAR ALIAS" $"This alias is inside the anchor {anchor name} that it refers to." ""
    | MergeOfNoMapping ->
        say "INVALID MERGE" "`<<` merges the keys of a mapping, and this is not a mapping." "name the anchor of a mapping: `<<: *name`."
    | KeyNotText -> say "INVALID KEY" "A key must be text, not a list or a mapping." ""
    | TagUsed tag -> say "YAML TAG" $"YAML tags such as {code tag} are not supported." "remove it; the key determines the type of its value."
    | _ -> None
