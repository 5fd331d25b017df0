/// Words for a POSIX shell.
module ChannelDistillation.Lab.Runs.Shell

open System.Text.RegularExpressions

/// As a shell reads it back as this one word.
let quoted (word: string) =
    if Regex.IsMatch(word, @"\A[A-Za-z0-9_./:=,@%+-]+\z") then
        word
    else
        let inside = word.Replace("'", @"'\''")
        $"'{inside}'"
