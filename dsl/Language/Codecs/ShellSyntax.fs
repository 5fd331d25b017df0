/// Whether bash can read some lines, which it does not run.
module ChannelDistillation.Dsl.Codecs.ShellSyntax

open System
open System.ComponentModel
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions

/// A line is read in no time; a shell that does not come to an end is no judge.
let private patience = TimeSpan.FromSeconds 10.0

/// `/dev/stdin: line 2: syntax error near unexpected token 'fi'`
let private complaint = Regex @"\A[^\n]*?: line (\d+): (?:warning: )?(.*)"

/// What is wrong, and the line it is in, from 0; beyond the last one where something is left open.
type Complaint = { Line: int; Reason: string }

/// What bash says then is about the line after the last one.
let private leftOpen = "something is opened and not closed, or closed and not opened, or a backslash ends the last line"

/// None: nothing, or there is no bash here to ask.
let check (lines: string list) : Complaint option =
    // As the body of a function: what is left open does not take the lines that follow in a script for its own.
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
        let said = bash.StandardError.ReadToEndAsync()
        bash.StandardInput.Write text
        bash.StandardInput.Close()

        if not (bash.WaitForExit patience) then
            bash.Kill()
            None
        else
            match said.Result.Trim() with
            | "" -> None
            | said ->
                let found = complaint.Match said

                let line = if found.Success then int found.Groups[1].Value - 3 else lines.Length

                if line < lines.Length then
                    Some { Line = line; Reason = found.Groups[2].Value.Trim().Replace('`', '\'') }
                else
                    Some { Line = line; Reason = leftOpen }
    with
    | :? Win32Exception
    | :? IOException -> None
