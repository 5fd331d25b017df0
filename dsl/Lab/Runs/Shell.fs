/// Quotes words for a POSIX shell.
module ChannelDistillation.Lab.Runs.Shell

open System.Text.RegularExpressions

/// Quotes a word if necessary.
let quoted (word: string) =
    if Regex.IsMatch(word, @"\A[A-Za-z0-9_./:=,@%+-]+\z") then
        word
    else
        let inside = word.Replace("'", @"'\''")
        $"'{inside}'"
