namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Axes and their values.
[<AutoOpen>]
module AxisWords =
    /// A number as the value of an axis.
    let number (value: float) = Scalar(Numbers.show value)

    /// A word as the value of an axis.
    let word (value: string) = Scalar value

    /// Numbers as the values of an axis.
    let numbers (values: float list) = List.map number values

    /// A list of values, any of which a point to leave out may have.
    let any_of (values: Setting list) = Items values

    /// Words as the values of an axis, such as names of models.
    let words (values: string list) = List.map word values

    /// `count` numbers in equal steps, including the first and the last.
    let range (from: float) (``to``: float) (count: int) = RangeCodec.spread false from ``to`` count |> numbers

    /// `count` numbers in equal ratios, including the first and the last.
    let log_range (from: float) (``to``: float) (count: int) = RangeCodec.spread true from ``to`` count |> numbers
