/// The section `grid`: axes as plain data. Axes.fs resolves them against the experiment.
module ChannelDistillation.Dsl.Codecs.GridCodec

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let empty: Grid = { Product = []; Zip = []; Exclude = []; Include = [] }

/// The values of an axis. A zip may repeat a value if another axis beside it differs.
let private listOrRange (mayRepeat: bool) : Codec<Setting list> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Sequence [] ->
            reader.Report(path, Node.place node, EmptyList(List.head path))
            None
        | Sequence items ->
            let seen = Collections.Generic.HashSet<Setting>(HashIdentity.Structural)

            let values =
                [ for item in items do
                      let value = Node.setting item

                      if seen.Add value || mayRepeat then
                          value
                      else
                          let shown =
                              match value with
                              | Scalar text -> text
                              | other -> Emit.flow other

                          reader.Report(path, item.Place, Twice(List.head path, shown)) ]

            Some values
        | Mapping _ -> RangeCodec.read reader path node
        | _ ->
            reader.Report(path, node.Place, WrongKind(WantList, Node.kind node))
            None

    leaf (EitherShape [ ListShape(AnyShape, not mayRepeat); RangeCodec.shape ]) read Items

/// The keys of a named axis.
let paths = "paths"
let values = "values"

let private isNamed (node: Node) = [ paths; values ] |> List.exists (fun key -> (Node.entry key node).IsSome)

/// Words that tables use for other columns.
let private reserved =
    [ "experiment"; "variant"; "seed"; "seeds"; "status"; "time"; "seconds"; "parameters"; "macs"; "baseline" ]

/// The longest name of an axis, which is part of the names of runs.
let private longestName = 24

let private checkName (reader: Reader) path (entry: Entry) =
    let name = entry.Name
    let isAllowed letter = Char.IsAsciiLetterOrDigit letter || letter = '_' || letter = '-'

    if name = "" || not (Char.IsAsciiLetter name[0] && String.forall isAllowed name) then
        reader.Report(path, entry.At, BadAxisName name)
    elif name.Length > longestName then
        reader.Report(path, entry.At, LongAxisName(name, longestName))
    elif List.contains name reserved then
        reader.Report(path, entry.At, ReservedAxisName name)

/// An axis that sets several paths.
let private named (values: Codec<Setting list>) : Codec<Axis> =
    Record.codec
        { Name = ""; Paths = []; Values = [] }
        false
        [ Field.required
              "paths"
              "The paths that a named axis sets, each to the same value. A variant that uses one of them has the axis."
              [ "path" ]
              _.Paths
              (fun value (axis: Axis) -> { axis with Paths = value })
              (texts true List.singleton text)
          Field.required
              "values"
              "The values of a named axis, as a list or a range."
              [ "value" ]
              _.Values
              (fun value axis -> { axis with Values = value })
              values ]

/// Axes by their paths or names.
let private axes (mayRepeat: bool) : Codec<Axis list> =
    let values = listOrRange mayRepeat
    let named = named values

    let readOne (reader: Reader) path (entry: Entry) : Axis option =
        if isNamed entry.Value then
            checkName reader (entry.Name :: path) entry

            named.Read reader (entry.Name :: path) entry.Value
            |> Option.filter (fun axis -> not (axis.Paths.IsEmpty || axis.Values.IsEmpty))
            |> Option.map (fun axis -> { axis with Name = entry.Name })
        else
            values.Read reader (entry.Name :: path) entry.Value
            |> Option.map (fun values -> { Name = entry.Name; Paths = [ entry.Name ]; Values = values })

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping entries -> entries |> List.choose (readOne reader path) |> Some
        | _ ->
            reader.Report(path, Node.place node, WrongKind(WantMapping None, Node.kind node))
            None

    let write (axis: Axis) = if axis.IsNamed then named.Write axis else Items axis.Values

    leaf (NamedShape(EitherShape [ values.Shape; named.Shape ], true)) read (fun axes -> Entries [ for axis in axes -> axis.Name, write axis ])

/// A list of mappings.
let many (item: Codec<'value>) : Codec<'value list> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Sequence items -> Some(items |> List.mapi (fun index node -> item.Read reader (string index :: path) node) |> List.choose id)
        | Mapping _ ->
            reader.Report(path, Node.place node, MappingForList(List.head path, Emit.flow (Node.setting node)))
            None
        | _ ->
            reader.Report(path, Node.place node, WrongKind(WantList, Node.kind node))
            None

    leaf (ListShape(item.Shape, false)) read (List.map item.Write >> Items)

/// Axes that vary together, with equally many values each.
let private zip: Codec<Axis list> =
    let axes = axes true

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping [] -> reader.Report(path, node.Place, EmptyEntry "zip")
        | _ -> ()

        axes.Read reader path node
        |> Option.map (fun found ->
            match found with
            | first :: others ->
                for other in others do
                    if other.Values.Length <> first.Values.Length then
                        let at = Node.entry other.Name node |> Option.map _.Value.Place |> Option.defaultValue node.Place

                        reader.Report(path, at, ZipLengths(other.Name, other.Values.Length, first.Name, first.Values.Length))

                found
            | [] -> found)

    { axes with
        Read = read
        Shape =
            match axes.Shape with
            | NamedShape(inside, _) -> NamedShape(inside, false)
            | other -> other }

/// Values on some axes, and `variant`.
let private point: Codec<GridPoint> =
    let variants (reader: Reader) path (node: Node) =
        match node.Content with
        | Sequence items -> items |> List.mapi (fun index item -> text.Read reader (string index :: path) item) |> List.choose id
        | _ -> text.Read reader path node |> Option.toList

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping [] ->
            reader.Report(path, Node.place node, EmptyEntry(path |> List.tryItem 1 |> Option.defaultValue ""))
            None
        | Mapping entries ->
            Some
                { Variants =
                    entries
                    |> List.filter (fun entry -> entry.Name = "variant")
                    |> List.collect (fun entry -> variants reader ("variant" :: path) entry.Value)
                  Values =
                    entries
                    |> List.filter (fun entry -> entry.Name <> "variant")
                    |> List.map (fun entry -> entry.Name, Node.setting entry.Value) }
        | _ ->
            reader.Report(path, node.Place, WrongKind(WantMapping None, Node.kind node))
            None

    let write (point: GridPoint) =
        Entries
            [ match point.Variants with
              | [] -> ()
              | [ one ] -> "variant", Scalar one
              | several -> "variant", Items(List.map Scalar several)
              yield! point.Values ]

    leaf (NamedShape(AnyShape, false)) read write

let codec: Codec<Grid> =
    let part key doc get set codec = Field.withDefault key doc [] [] get set codec

    let record =
        Record.codec
            empty
            false
            [ part
                  "product"
                  "Axes by path, or by a name for several paths; every value of an axis is combined with every value of the others."
                  _.Product
                  (fun value grid -> { grid with Product = value })
                  (axes false)
              part "zip" "Groups of axes that vary together." _.Zip (fun value grid -> { grid with Zip = value }) (many zip)
              part
                  "exclude"
                  "Points to leave out: values of some axes, by path or name, and `variant` for a variant or a list of them."
                  _.Exclude
                  (fun value grid -> { grid with Exclude = value })
                  (many point)
              part
                  "include"
                  "Points to add: values on any paths or named axes, and `variant` for a variant or a list of them."
                  _.Include
                  (fun value grid -> { grid with Include = value })
                  (many point) ]

    /// Whether an entry is an axis written beside `product` instead of in it.
    let isAxis (entry: Entry) =
        match entry.Value.Content with
        | Mapping _ when isNamed entry.Value -> true
        | Sequence _
        | Mapping _ -> entry.Name.Contains '.' || List.contains entry.Name [ "dataset"; "teacher"; "student" ]
        | _ -> false

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping entries ->
            let stray, own = List.partition isAxis entries

            for entry in stray do
                reader.Spoil("product" :: path)
                reader.Report(entry.Name :: path, entry.At, AxisWithoutProduct(entry.Name, Emit.flow (Node.setting entry.Value)))

            record.Read reader path { node with Content = Mapping own }
        | _ -> record.Read reader path node

    { record with Read = read }
