namespace ChannelDistillation.Dsl

/// A text that problems can point into: a file, or an argument of the command line (which has no lines). Compared by reference.
type Source(name: string, text: string, hasLines: bool, folder: string) =
    let lines = lazy (text.Replace("\r\n", "\n").Replace('\r', '\n').Split '\n')

    new(name, text, hasLines) = Source(name, text, hasLines, Source.FolderOf name)
    new(name, text) = Source(name, text, true)

    static member private FolderOf(name: string) =
        match System.IO.Path.GetDirectoryName name with
        | null
        | "" -> "."
        | folder -> folder

    /// As the user knows it.
    member _.Name = name
    member _.Text = text

    /// Paths in it are relative to this folder.
    member _.Folder = folder
    member _.HasLines = hasLines

    /// A line, counted from 1; empty beyond the end.
    member _.Line number =
        if number >= 1 && number <= lines.Value.Length then
            lines.Value[number - 1]
        else
            ""

/// A stretch of one line of a source; line and column are counted from 1.
type Place = { Source: Source; Line: int; Column: int; Length: int }
