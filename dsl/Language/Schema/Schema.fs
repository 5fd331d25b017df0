/// Generates the JSON Schema of experiment files, for editors, from the codecs that read files.
module ChannelDistillation.Dsl.Schema.Schema

open System
open System.Collections.Generic
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

let private text (value: string) : JsonNode = nonNull (JsonValue.Create value)
let private whole (value: int64) : JsonNode = JsonValue.Create value

let private real (value: float) : JsonNode =
    if value = Math.Floor value && abs value < 1e15 then
        whole (int64 value)
    else
        JsonValue.Create value

let private flag (value: bool) : JsonNode = JsonValue.Create value
let private array (items: JsonNode list) : JsonNode = JsonArray(List.toArray items)

let private object (entries: (string * JsonNode) list) =
    let result = JsonObject()

    for key, value in entries do
        result[key] <- value

    result

/// Upper bounds from here on are only sanity limits and are omitted.
let private reasonable = 1e6

let private numeric kind (bounds: Bounds) =
    object
        [ "type", text kind
          if Double.IsFinite bounds.Minimum then
              (if bounds.AboveMinimum then "exclusiveMinimum" else "minimum"), real bounds.Minimum
          if Double.IsFinite bounds.Maximum && abs bounds.Maximum < reasonable then
              (if bounds.BelowMaximum then "exclusiveMaximum" else "maximum"), real bounds.Maximum ]

/// A default as JSON.
let private standard (shown: string) : JsonNode option =
    match shown with
    | "" -> None
    | "true" -> Some(flag true)
    | "false" -> Some(flag false)
    | _ ->
        match Numbers.tryParse shown with
        | Some value -> Some(real value)
        | None when shown.Contains ' ' -> None
        | None -> Some(text shown)

/// Whether a shape is relaxed in a file with `extends`: keys may be inherited, and a key without a value removes the inherited one. Lists are
/// replaced as a whole.
let rec private isMerged (shape: Shape) =
    match shape with
    | RecordShape(_ :: _)
    | OpenShape _
    | NamedShape _
    | ChoiceShape _ -> true
    | EitherShape shapes -> List.exists isMerged shapes
    | _ -> false

let private orNothing (shape: Shape) =
    match shape with
    | EitherShape shapes when List.contains NothingShape shapes -> shape
    | EitherShape shapes -> EitherShape(shapes @ [ NothingShape ])
    | AnyShape -> AnyShape
    | _ -> EitherShape [ shape; NothingShape ]

/// Definitions of shapes that occur more than once, named by the path of their first occurrence.
type private Definitions(shared: HashSet<struct (bool * Shape)>) =
    let names = Dictionary<struct (bool * Shape), string>(HashIdentity.Structural)
    let written = JsonObject()

    member _.Written = written

    member _.Refer(complete: bool, path: string, shape: Shape, make: unit -> JsonObject) : JsonObject =
        let key = struct (complete || not (isMerged shape), shape)

        if not (shared.Contains key) then
            make ()
        else
            if not (names.ContainsKey key) then
                let name = if complete then path else path + "-part"

                // The parts of an alternative share a path.
                names[key] <-
                    seq {
                        yield name
                        for number in 2..99 -> $"{name}-{number}"
                    }
                    |> Seq.find (names.ContainsValue >> not)

                written[names[key]] <- make ()

            object [ "$ref", text $"#/definitions/{names[key]}" ]

/// Whether a shape is worth a reference; small ones are as short as the reference.
let private isLarge (shape: Shape) =
    match shape with
    | RecordShape fields
    | OpenShape(fields, _) -> fields.Length > 1
    | ChoiceShape _ -> true
    | WordShape words -> words.Length > 3
    | _ -> false

/// The schema of a shape. `complete`: required keys must be present; a file with `extends` may inherit them.
let rec private schema (definitions: Definitions) (complete: bool) (path: string) (shape: Shape) : JsonObject =
    if isLarge shape then
        definitions.Refer(complete, path, shape, (fun () -> written definitions complete path shape))
    else
        written definitions complete path shape

and private written (definitions: Definitions) complete path (shape: Shape) : JsonObject =
    let schema = schema definitions

    match shape with
    // YAML reads `2024` as a number, but it can be a name.
    | TextShape -> object [ "type", array [ text "string"; text "number" ] ]
    | NumberShape bounds -> numeric "number" bounds
    | WholeShape(least, most) -> numeric "integer" { Minimum = float least; Maximum = float most; AboveMinimum = false; BelowMaximum = false }
    | FlagShape -> object [ "type", text "boolean" ]
    | WordShape words ->
        object
            [ "type", text "string"
              "enum", array [ for word, _ in words -> text word ]
              if words |> List.exists (fun (_, doc) -> doc <> "") then
                  "enumDescriptions", array [ for _, doc in words -> text doc ] ]
    | ListShape(item, distinct) ->
        object
            [ "type", text "array"
              "items", schema true path item
              "minItems", whole 1L
              if distinct then
                  "uniqueItems", flag true ]
    | RecordShape fields -> mapping definitions complete path fields [] []
    | OpenShape(fields, others) ->
        let written = mapping definitions complete path fields [] []
        written["additionalProperties"] <- schema complete $"{path}.NAME" (if complete then others else orNothing others)
        written
    | ChoiceShape(cases, beside) ->
        let inside (case: CaseShape) =
            { Key = case.Name
              Doc = case.CaseDoc
              Required = false
              Default = ""
              Shape = (if case.Alone then EitherShape [ case.Inside; NothingShape ] else case.Inside) }

        let one =
            if complete then
                [ "oneOf", array [ for case in cases -> object [ "required", array [ text case.Name ] ] ] ]
            else
                []

        let written = mapping definitions complete path (List.map inside cases @ beside) [] one

        match cases |> List.filter _.Alone with
        | [] -> written
        // The mapping comes first, because editors report on the first alternative if none fits.
        | alone -> object [ "anyOf", array [ written; schema complete path (WordShape [ for case in alone -> case.Name, case.CaseDoc ]) ] ]
    | NamedShape(value, mayBeEmpty) ->
        object
            [ "type", text "object"
              "additionalProperties", schema complete path (if complete then value else orNothing value)
              if complete && not mayBeEmpty then
                  "minProperties", whole 1L ]
    | EitherShape shapes -> object [ "anyOf", array [ for shape in shapes -> schema complete path shape ] ]
    | NothingShape -> object [ "type", text "null" ]
    | AnyShape -> object []

/// The schema of a mapping. `extra`: properties that are not fields; `rules`: further keywords. Editors show its title.
and private mapping definitions complete path (fields: FieldShape list) extra rules =
    let property (field: FieldShape) =
        let inside =
            schema
                definitions
                complete
                (if path = "" then field.Key else $"{path}.{field.Key}")
                (if complete then field.Shape else orNothing field.Shape)

        inside.Insert(0, "description", text field.Doc)

        match standard field.Default with
        | Some value -> inside["default"] <- value
        | None -> ()

        field.Key, (inside :> JsonNode)

    let required = if complete then fields |> List.filter _.Required else []

    object
        [ "title", text (if path = "" then "experiment" else Array.last (path.Split '.'))
          "type", text "object"
          "properties", object (extra @ List.map property fields)
          if not required.IsEmpty then
              "required", array [ for field in required -> text field.Key ]
          "additionalProperties", flag false
          yield! rules ]

let private fields =
    match ExperimentCodec.codec.Shape with
    | RecordShape fields -> fields
    | _ -> []

/// The shapes that occur more than once.
let private shared () =
    let once = HashSet<struct (bool * Shape)>(HashIdentity.Structural)
    let again = HashSet<struct (bool * Shape)>(HashIdentity.Structural)

    let rec count complete (shape: Shape) =
        let key = struct (complete || not (isMerged shape), shape)

        // The parts of a repeated shape are counted once.
        if not (isLarge shape) || once.Add key then
            match shape with
            | ListShape(inside, _) -> count true inside
            | NamedShape(inside, _) -> count complete inside
            | RecordShape fields -> fields |> List.iter (fun field -> count complete field.Shape)
            | OpenShape(fields, others) ->
                fields |> List.iter (fun field -> count complete field.Shape)
                count complete others
            | ChoiceShape(cases, beside) ->
                cases |> List.iter (fun case -> count complete case.Inside)
                beside |> List.iter (fun field -> count complete field.Shape)
            | EitherShape shapes -> List.iter (count complete) shapes
            | _ -> ()
        else
            again.Add key |> ignore

    for complete in [ true; false ] do
        fields |> List.iter (fun field -> count complete field.Shape)

    again

let private experiment definitions complete : JsonObject =
    let extends =
        object
            [ "type", text "string"
              "description", text "A file to inherit from, relative to the folder of this file. Mappings are merged; everything else is replaced." ]

    mapping
        definitions
        complete
        ""
        fields
        [ ExperimentCodec.extends, extends ]
        [ "patternProperties", object [ "^x-", object [ "description", text "For anchors; not part of the experiment." ] ] ]

/// The complete schema. Files refer to it with `# yaml-language-server: $schema=../dsl/experiment.schema.json`.
let document () : string =
    let definitions = Definitions(shared ())
    let whole, part = experiment definitions true, experiment definitions false

    let root =
        object
            [ "$schema", text "http://json-schema.org/draft-07/schema#"
              "title", text "An experiment of Channel Distillation"
              "description", text "Generated by `dotnet fsi build.fsx schema`; do not edit."
              "if", object [ "required", array [ text ExperimentCodec.extends ] ]
              "then", part
              "else", whole
              "definitions", definitions.Written ]

    let options = JsonSerializerOptions(WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)
    root.ToJsonString(options).Replace("\r\n", "\n") + "\n"
