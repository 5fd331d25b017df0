/// Decodes UTF-8 files.
module ChannelDistillation.Dsl.Yaml.Utf8

open System
open System.Text
open ChannelDistillation.Dsl

/// Decodes a file; the error has the place of the first invalid byte.
let decode (name: string) (bytes: byte[]) : Result<Source, Problem> =
    try
        let text = UTF8Encoding(false, true).GetString bytes
        Ok(Source(name, text.TrimStart '\uFEFF'))
    with :? DecoderFallbackException as failure ->
        let before = bytes[0 .. failure.Index - 1]
        let lineStart = 1 + Array.LastIndexOf(before, byte '\n')
        // For display: invalid bytes become replacement characters.
        let source = Source(name, Encoding.UTF8.GetString bytes)
        let before = Encoding.UTF8.GetString before

        Error
            { Diagnostic = NotUtf8
              Place =
                Some
                    { Source = source
                      Line = 1 + (before |> Seq.filter ((=) '\n') |> Seq.length)
                      Column = 1 + Encoding.UTF8.GetString(bytes, lineStart, failure.Index - lineStart).Length
                      Length = 1 } }
