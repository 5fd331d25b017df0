/// Comments in files that other programs run: shell scripts and LaTeX.
module ChannelDistillation.Dsl.Comment

/// Everything that any of these programs, or an editor, takes for the end of a line.
let private breaks = [| "\r\n"; "\n"; "\r"; "\v"; "\f"; "\u0085"; "\u2028"; "\u2029" |]

/// Every line of a text behind the prefix, so that none of them leaves the comment.
let lines (prefix: string) (text: string) : string list =
    [ for line in text.Split(breaks, System.StringSplitOptions.None) -> (prefix + line).TrimEnd() ]

/// A text on one line.
let oneLine (text: string) : string = System.String.Join(' ', text.Split(breaks, System.StringSplitOptions.None))
