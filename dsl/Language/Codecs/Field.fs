namespace ChannelDistillation.Dsl.Codecs

open ChannelDistillation.Dsl

/// Constructors of record fields.
module Field =
    let private build key doc required shown also shape take give edit : Field<'record> =
        { Shape = { Key = key; Doc = doc; Required = required; Default = shown; Shape = shape }
          Axis = IsAxis
          Also = also
          Take = take
          Give = give
          EditPart = edit }

    /// Turns the edit of a part into an edit of its record.
    let private lift get set (edit: Edit<'part>) : Edit<'record> =
        fun reader path node -> edit reader path node |> Option.map (fun change record -> set (change (get record)) record)

    let private whole get set required shown equalsDefault key doc also (codec: 'record -> Codec<'part>) start =
        build
            key
            doc
            required
            shown
            also
            (codec start).Shape
            (fun reader path node record ->
                match (codec record).Read reader path node with
                | Some value -> set value record
                | None -> record)
            (fun record ->
                let value = get record
                if equalsDefault value then None else Some((codec record).Write value))
            (fun path record -> (codec record).Edit path (get record) |> Result.map (lift get set))

    /// A key that holds for the whole experiment.
    let isFixed (field: Field<'record>) = { field with Axis = IsFixed }

    /// A key of which only the parts can be axes.
    let hasAxes (field: Field<'record>) = { field with Axis = HasAxes }

    /// A required key.
    let required key doc also get set (codec: Codec<'part>) : Field<'record> =
        whole get set true "" (fun _ -> false) key doc also (fun _ -> codec) Unchecked.defaultof<'record>

    /// A key with a default value.
    let withDefault key doc also (standard: 'part) get set (codec: Codec<'part>) : Field<'record> =
        let shown =
            match codec.Write standard with
            | Scalar text -> text
            | _ -> ""

        whole get set false shown ((=) standard) key doc also (fun _ -> codec) Unchecked.defaultof<'record>

    /// A key whose codec depends on keys read before it.
    let dependent key doc required shown also isDefault get set (codec: 'record -> Codec<'part>) start : Field<'record> =
        whole get set required shown isDefault key doc also codec start

    /// An optional key without a default value.
    let optional key doc shown also (get: 'record -> 'part option) (set: 'part option -> 'record -> 'record) (codec: Codec<'part>) : Field<'record> =
        build
            key
            doc
            false
            shown
            also
            codec.Shape
            (fun reader path node record ->
                match codec.Read reader path node with
                | Some value -> set (Some value) record
                | None -> record)
            (fun record -> get record |> Option.map codec.Write)
            (fun path record ->
                match path, get record with
                | [], _ -> Ok(fun reader path node -> codec.Read reader path node |> Option.map (fun value record -> set (Some value) record))
                | _, None -> Error(NoSuchPart key)
                | _, Some value ->
                    codec.Edit path value
                    |> Result.map (fun edit reader path node ->
                        edit reader path node |> Option.map (fun change record -> set (get record |> Option.map change) record)))
