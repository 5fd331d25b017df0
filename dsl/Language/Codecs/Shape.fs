namespace ChannelDistillation.Dsl.Codecs

open ChannelDistillation.Dsl

/// The form of a value, for the schema and the documentation.
type Shape =
    | TextShape
    | NumberShape of Bounds
    | WholeShape of least: int64 * most: int64
    | FlagShape
    /// One of several words, each with a description.
    | WordShape of (string * string) list
    | ListShape of Shape * distinct: bool
    /// A mapping with known keys.
    | RecordShape of FieldShape list
    /// A mapping with known keys and further keys of one shape.
    | OpenShape of FieldShape list * others: Shape
    /// A mapping with exactly one of several keys, and optional keys beside it. Some cases can be written as a word alone.
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
        /// As shown in the documentation; empty: none.
        Default: string
        Shape: Shape
    }

and CaseShape = { Name: string; CaseDoc: string; Alone: bool; Inside: Shape }
