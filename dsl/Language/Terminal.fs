/// Output to a terminal. Foreign text, such as names in a file or a results folder, cannot control the terminal.
module ChannelDistillation.Dsl.Terminal

open System
open System.IO
open System.Text

/// Whether a character is a control character other than a line break or tab, or a Unicode bidirectional formatting character.
let isUnsafe (letter: char) =
    (Char.IsControl letter && letter <> '\n' && letter <> '\t')
    || letter = '\u061C'
    || (letter >= '\u200E' && letter <= '\u200F')
    || (letter >= '\u2028' && letter <= '\u202E')
    || (letter >= '\u2066' && letter <= '\u2069')

let private unsafeLetters =
    Buffers.SearchValues.Create(
        [| for code in 0..0xFFFF do
               if isUnsafe (char code) then
                   char code |]
            .AsSpan()
    )

/// Replaces each unsafe character by its escape, such as `\u001B`, which means the same character in JSON.
let safe (text: string) : string =
    if text.AsSpan().IndexOfAny unsafeLetters < 0 then
        text
    else
        let written = StringBuilder(text.Length + 16)

        for index in 0 .. text.Length - 1 do
            let letter = text[index]
            // A Windows line break.
            let isBreak = letter = '\r' && index + 1 < text.Length && text[index + 1] = '\n'

            if isUnsafe letter && not isBreak then
                written.Append("\\u").Append((int letter).ToString "X4") |> ignore
            else
                written.Append letter |> ignore

        written.ToString()

[<Sealed>]
type private SafeWriter(inner: TextWriter) =
    inherit TextWriter()
    override _.Encoding: Encoding = inner.Encoding
    override _.Write(letter: char) = inner.Write(safe (string letter))
    override _.Write(text: string | null) = text |> Option.ofObj |> Option.iter (fun text -> inner.Write(safe text))
    override _.Write(buffer: char array, index: int, count: int) = inner.Write(safe (String(buffer, index, count)))
    override _.WriteLine() = inner.WriteLine()
    override this.WriteLine(text: string | null) = inner.WriteLine(safe (text |> Option.ofObj |> Option.defaultValue ""))
    override _.Flush() = inner.Flush()

/// A writer that escapes unsafe characters.
let writer (inner: TextWriter) : TextWriter = new SafeWriter(inner)

/// All safe one-byte characters.
let private plainBytes =
    Buffers.SearchValues.Create(
        [| for code in 0uy .. 127uy do
               if not (isUnsafe (char code)) then
                   code |]
            .AsSpan()
    )

let private output = lazy Console.OpenStandardOutput()

/// Writes part of a long UTF-8 text to standard output, with unsafe characters escaped.
let writeUtf8 (text: ReadOnlyMemory<byte>) =
    if text.Span.IndexOfAnyExcept plainBytes < 0 then
        output.Value.Write text.Span
    else
        output.Value.Write(Encoding.UTF8.GetBytes(safe (Encoding.UTF8.GetString text.Span)))

let mutable private errors: TextWriter option = None

/// Escapes unsafe characters in everything that the program writes to the console from now on. Live views write to the terminal directly.
let guard () =
    errors <- Some Console.Error
    Console.SetOut(writer Console.Out)
    Console.SetError(writer Console.Error)

/// Writes a line with colour sequences to standard error. The caller has escaped everything else in it.
let writeColoured (text: string) = (errors |> Option.defaultWith (fun () -> Console.Error)).WriteLine text
