/// Comments in files that other programs run: shell scripts and LaTeX.
module ChannelDistillation.Dsl.Comment

/// Everything that one of these programs, or an editor, reads as the end of a line.
let private breaks = [| "\r\n"; "\n"; "\r"; "\v"; "\f"; "\u0085"; "\u2028"; "\u2029" |]

/// Prefixes every line of a text, so that all of it stays in the comment.
let lines (prefix: string) (text: string) : string list =
    [ for line in text.Split(breaks, System.StringSplitOptions.None) -> (prefix + line).TrimEnd() ]

/// A text with line breaks replaced by spaces.
let oneLine (text: string) : string = System.String.Join(' ', text.Split(breaks, System.StringSplitOptions.None))
