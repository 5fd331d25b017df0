namespace ChannelDistillation.Dsl

/// A text in which problems are located: a file, or a command-line argument, which has no lines. Compared by reference.
type Source(name: string, text: string, hasLines: bool, folder: string) =
    let lines = lazy (text.Replace("\r\n", "\n").Replace('\r', '\n').Split '\n')

    new(name, text, hasLines) = Source(name, text, hasLines, Source.FolderOf name)
    new(name, text) = Source(name, text, true)

    static member private FolderOf(name: string) =
        match System.IO.Path.GetDirectoryName name with
        | null
        | "" -> "."
        | folder -> folder

    /// The name that messages show.
    member _.Name = name
    member _.Text = text

    /// The folder that paths in the text are relative to.
    member _.Folder = folder
    member _.HasLines = hasLines

    /// A line, counted from 1; empty beyond the end.
    member _.Line number =
        if number >= 1 && number <= lines.Value.Length then
            lines.Value[number - 1]
        else
            ""

/// A part of one line of a source; line and column start at 1.
type Place = { Source: Source; Line: int; Column: int; Length: int }
