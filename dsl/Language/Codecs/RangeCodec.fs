/// Ranges of numbers as the values of an axis: `{ from: 1, to: 10, count: 4, scale: log }`.
module ChannelDistillation.Dsl.Codecs.RangeCodec

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

/// The most points of a grid. A larger grid is certainly a mistake, and planning handles points one by one.
let pointLimit = 1_000_000

type private Scale =
    | Linear
    | Logarithmic
    | WholeNumbers

type private Range = { From: float; UpTo: float; Count: int option; Scale: Scale }

let private codec =
    Record.codec
        { From = 0.0; UpTo = 0.0; Count = None; Scale = Linear }
        false
        [ Field.required "from" "The first value." [ "start"; "min" ] _.From (fun value (range: Range) -> { range with From = value }) (number any)
          Field.required "to" "The last value." [ "stop"; "max"; "until" ] _.UpTo (fun value range -> { range with UpTo = value }) (number any)
          Field.optional
              "count"
              "Number of values, including the first and the last."
              "every whole number, with scale integer"
              [ "num"; "n"; "steps" ]
              _.Count
              (fun value (range: Range) -> { range with Count = value })
              (int32 2 pointLimit)
          Field.withDefault
              "scale"
              "Spacing of the values."
              []
              Linear
              _.Scale
              (fun value (range: Range) -> { range with Scale = value })
              (word
                  "scale"
                  [ "linear", "Equal steps.", Linear
                    "log", "Equal ratios.", Logarithmic
                    "integer", "Whole numbers.", WholeNumbers ]) ]

/// Rounds to the six digits that tables show, so that the trained value is the displayed one.
let private round (value: float) = Numbers.rounded 6 value |> float

/// `count` values from `first` to `last`.
let spread logarithmic (first: float) (last: float) count =
    [ for i in 0 .. count - 1 do
          if i = 0 then
              first
          elif i = count - 1 then
              last
          else
              let part = float i / float (count - 1)

              round (
                  if logarithmic then
                      first * Math.Pow(last / first, part)
                  else
                      first + (last - first) * part
              ) ]

/// `count` whole numbers from `first` to `last`; without a count, all of them.
let wholes (first: int64) (last: int64) count =
    match count with
    | None -> [ first..last ]
    | Some count ->
        [ for i in 0 .. count - 1 -> first + int64 (Math.Round(float i * float (last - first) / float (count - 1), MidpointRounding.AwayFromZero)) ]

let read (reader: Reader) path (node: Node) =
    let before = reader.Problems.Length

    match codec.Read reader path node with
    | Some range when reader.Problems.Length = before ->
        let place key = (Node.entry key node |> Option.map _.Value.Place |> Option.defaultValue node.Place)

        let fail key mistake =
            reader.Report(path, place key, mistake)
            None

        let from, upTo = Numbers.show range.From, Numbers.show range.UpTo

        if range.From >= range.UpTo then
            fail "to" (RangeBackwards(from, upTo))
        else
            match range.Scale, range.Count with
            | Logarithmic, _ when range.From <= 0.0 -> fail "from" (RangeNotPositive from)
            | (Linear | Logarithmic), Some count ->
                let values = spread (range.Scale = Logarithmic) range.From range.UpTo count

                if values |> List.pairwise |> List.forall (fun (value, next) -> value < next) then
                    Some [ for value in values -> Scalar(Numbers.show value) ]
                else
                    fail "count" (RangeTooFine(from, upTo, count))
            | (Linear | Logarithmic), None ->
                reader.Report(path, Node.place node, MissingKey("count", List.rev path, "Number of values, including the first and the last."))
                None
            | WholeNumbers, count ->
                match Numbers.tryWhole from, Numbers.tryWhole upTo with
                | None, _ -> fail "from" (NotWhole from)
                | _, None -> fail "to" (NotWhole upTo)
                | Some first, Some last ->
                    let all = float last - float first + 1.0

                    match count with
                    | None when all > float pointLimit -> fail "to" (GridTooLarge(all, pointLimit))
                    | Some count when float count > all -> fail "count" (RangeTooDense(from, upTo, count))
                    | _ -> Some [ for value in wholes first last count -> Scalar(Numbers.shortest (string value)) ]
    | _ -> None

let shape = codec.Shape
