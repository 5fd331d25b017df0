/// What is written to a terminal: text of others, such as names in a file or in a folder of results, cannot steer it.
module ChannelDistillation.Dsl.Terminal

open System
open System.IO
open System.Text

/// Control characters other than line breaks and tabs, and the marks by which Unicode shows text in another order than it is stored in.
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

/// The same text with `\u001B` in the place of each such character: in a JSON text it stays the same character.
let safe (text: string) : string =
    if text.AsSpan().IndexOfAny unsafeLetters < 0 then
        text
    else
        let written = StringBuilder(text.Length + 16)

        for index in 0 .. text.Length - 1 do
            let letter = text[index]
            // The line break of Windows.
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

/// Everything that is written through it is safe.
let writer (inner: TextWriter) : TextWriter = new SafeWriter(inner)

/// All characters that are safe and take one byte.
let private plainBytes =
    Buffers.SearchValues.Create(
        [| for code in 0uy .. 127uy do
               if not (isUnsafe (char code)) then
                   code |]
            .AsSpan()
    )

let private output = lazy Console.OpenStandardOutput()

/// Writes a part of a long text in UTF-8 to the standard output, safe as all that is written there.
let writeUtf8 (text: ReadOnlyMemory<byte>) =
    if text.Span.IndexOfAnyExcept plainBytes < 0 then
        output.Value.Write text.Span
    else
        output.Value.Write(Encoding.UTF8.GetBytes(safe (Encoding.UTF8.GetString text.Span)))

let mutable private errors: TextWriter option = None

/// From now on, what the program writes to the console is safe. The views that stay in place keep their own way to the terminal.
let guard () =
    errors <- Some Console.Error
    Console.SetOut(writer Console.Out)
    Console.SetError(writer Console.Error)

/// A line of the error output with colours of our own. The caller has made everything else in it safe.
let writeColoured (text: string) = (errors |> Option.defaultWith (fun () -> Console.Error)).WriteLine text
