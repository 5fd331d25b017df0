/// The section `published`. PublishedResults.fs finds the rows of its points.
module ChannelDistillation.Dsl.Codecs.PublishedCodec

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let private percent = number (between 0.0 100.0)

let private sourceDoc = "Source of the numbers."
let private protocolDoc = "How the numbers were measured, such as `best epoch of one run`."

let private row =
    Record.codec
        PublishedRow.empty
        false
        [ Field.optional
              "top1_error"
              "Top-1 error in percent."
              ""
              [ "top1" ]
              _.Top1Error
              (fun value row -> { row with PublishedRow.Top1Error = value })
              percent
          Field.optional
              "top5_error"
              "Top-5 error in percent."
              ""
              [ "top5" ]
              _.Top5Error
              (fun value row -> { row with PublishedRow.Top5Error = value })
              percent
          Field.optional "source" sourceDoc "" [] _.Source (fun value row -> { row with PublishedRow.Source = value }) text
          Field.optional "protocol" protocolDoc "" [] _.Protocol (fun value row -> { row with PublishedRow.Protocol = value }) text ]

/// A mapping whose keys the experiment chooses. `mayBeEmpty`: whether it may have no entries.
let private byName mayBeEmpty shape (read: Reader -> string list -> Node -> 'value option) write : Codec<(string * 'value) list> =
    let readAll (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping [] when not mayBeEmpty ->
            reader.Report(path, Node.place node, EmptyEntry(List.head path))
            None
        | Mapping entries ->
            Some
                [ for entry in entries do
                      match read reader (entry.Name :: path) entry.Value with
                      | Some value -> entry.Name, value
                      | None -> () ]
        | _ ->
            reader.Report(path, Node.place node, WrongKind(WantMapping None, Node.kind node))
            None

    leaf (NamedShape(shape, mayBeEmpty)) readAll (fun entries -> Entries [ for name, value in entries -> name, write value ])

let private rows = byName true row.Shape row.Read row.Write

let private at = byName false AnyShape (fun _ _ node -> Some(Node.setting node)) id

let private point =
    Record.codec
        { At = []; Source = None; Protocol = None; Rows = [] }
        false
        [ Field.required
              "at"
              "Values on any paths; the numbers belong to the rows with these values."
              []
              _.At
              (fun value (point: PublishedPoint) -> { point with At = value })
              at
          Field.optional "source" sourceDoc "" [] _.Source (fun value (point: PublishedPoint) -> { point with Source = value }) text
          Field.optional "protocol" protocolDoc "" [] _.Protocol (fun value (point: PublishedPoint) -> { point with Protocol = value }) text
          Field.required
              "rows"
              "Errors in percent at this point, by name as in `published.rows`."
              []
              _.Rows
              (fun value (point: PublishedPoint) -> { point with Rows = value })
              rows ]

let codec: Codec<Published> =
    Record.codec
        Published.empty
        false
        [ Field.optional "source" sourceDoc "" [] _.Source (fun value published -> { published with Published.Source = value }) text
          Field.optional
              "protocol"
              $"{protocolDoc} Rows and points can have their own."
              ""
              []
              _.Protocol
              (fun value published -> { published with Published.Protocol = value })
              text
          Field.withDefault
              "rows"
              "Errors in percent by the name of a variant or `teacher`; any other name gets a row with published numbers only. A row without numbers sets the source and protocol of this name for all points."
              []
              []
              _.Rows
              (fun value (published: Published) -> { published with Rows = value })
              rows
          Field.withDefault
              "points"
              "Errors in percent at points of the grid; they take precedence over `rows`."
              []
              []
              _.Points
              (fun value published -> { published with Points = value })
              (GridCodec.many point) ]
