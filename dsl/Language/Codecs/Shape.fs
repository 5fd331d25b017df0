namespace ChannelDistillation.Dsl.Codecs

open ChannelDistillation.Dsl

/// What may be written at some place, for the schema and the documentation.
type Shape =
    | TextShape
    | NumberShape of Bounds
    | WholeShape of least: int64 * most: int64
    | FlagShape
    /// One of some words, each with a sentence.
    | WordShape of (string * string) list
    | ListShape of Shape * distinct: bool
    /// A mapping with known keys.
    | RecordShape of FieldShape list
    /// A mapping with known keys, and others of one kind.
    | OpenShape of FieldShape list * others: Shape
    /// A mapping with exactly one of some keys, and perhaps others beside it; some cases may stand alone as a word.
    | ChoiceShape of CaseShape list * beside: FieldShape list
    /// A mapping whose keys are names that the experiment chooses.
    | NamedShape of Shape * mayBeEmpty: bool
    | EitherShape of Shape list
    | NothingShape
    | AnyShape

and FieldShape =
    {
        Key: string
        Doc: string
        Required: bool
        /// As shown to people; empty: none.
        Default: string
        Shape: Shape
    }

and CaseShape = { Name: string; CaseDoc: string; Alone: bool; Inside: Shape }
