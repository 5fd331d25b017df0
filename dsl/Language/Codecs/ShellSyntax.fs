/// Checks the syntax of shell lines with bash, without running them.
module ChannelDistillation.Dsl.Codecs.ShellSyntax

open System
open System.ComponentModel
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions

/// A check takes milliseconds; a bash that takes longer than this is ignored.
let private timeout = TimeSpan.FromSeconds 10.0

/// `/dev/stdin: line 2: syntax error near unexpected token 'fi'`
let private complaint = Regex @"\A[^\n]*?: line (\d+): (?:warning: )?(.*)"

/// What is wrong, and its line (from 0). The line is past the end if something is left open.
type Complaint = { Line: int; Reason: string }

/// Replaces bash's own message, which would name a line after the last one.
let private leftOpen = "a quote, bracket or block is not closed or not opened, or the last line ends with a backslash"

/// The first syntax error. None: there is none, or this machine has no bash.
let check (lines: string list) : Complaint option =
    // As the body of a function, so that an unclosed construct cannot extend into the lines that follow in a script.
    let text = "lines() {\n:\n" + String.concat "\n" lines + "\n}\n"

    let start =
        ProcessStartInfo(
            "bash",
            [ "--noprofile"; "--norc"; "-O"; "extglob"; "-n"; "/dev/stdin" ],
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    start.Environment["LC_ALL"] <- "C"
    start.Environment.Remove "BASH_ENV" |> ignore

    try
        use bash = nonNull (Process.Start start)
        let errors = bash.StandardError.ReadToEndAsync()
        bash.StandardInput.Write text
        bash.StandardInput.Close()

        if not (bash.WaitForExit timeout) then
            bash.Kill()
            None
        else
            match errors.Result.Trim() with
            | "" -> None
            | message ->
                let found = complaint.Match message

                let line = if found.Success then int found.Groups[1].Value - 3 else lines.Length

                if line < lines.Length then
                    Some { Line = line; Reason = found.Groups[2].Value.Trim().Replace('`', '\'') }
                else
                    Some { Line = line; Reason = leftOpen }
    with
    | :? Win32Exception
    | :? IOException -> None
