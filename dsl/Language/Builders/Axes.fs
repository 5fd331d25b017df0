namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Values of axes.
[<AutoOpen>]
module AxisWords =
    /// A number as the value of an axis.
    let number (value: float) = Scalar(Numbers.show value)

    /// A word as the value of an axis.
    let word (value: string) = Scalar value

    /// Numbers as the values of an axis.
    let numbers (values: float list) = List.map number values

    /// Words as the values of an axis: names of models, for instance.
    let words (values: string list) = List.map word values

    /// Numbers in equal steps, the first and the last included.
    let range (first: float) (last: float) (count: int) = RangeCodec.spread false first last count |> numbers

    /// Numbers in equal ratios, the first and the last included.
    let log_range (first: float) (last: float) (count: int) = RangeCodec.spread true first last count |> numbers

    /// An axis: a path of the experiment and its values.
    let axis (path: string) (values: Setting list) : Axis = { Path = path; Values = values }
