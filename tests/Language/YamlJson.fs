/// Converts an experiment file to the JSON that a schema validates.
module ChannelDistillation.Tests.YamlJson

open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml

let rec private ofNode (node: Node) : JsonNode =
    match node.Content with
    | Plain _ when Node.isNothing node -> null
    | Plain("true" | "True" | "TRUE") -> JsonValue.Create true
    | Plain("false" | "False" | "FALSE") -> JsonValue.Create false
    | Plain text ->
        match Numbers.tryWhole text, Numbers.tryParse text with
        | Some value, _ -> JsonValue.Create value
        | None, Some value -> JsonValue.Create value
        | None, None -> JsonValue.Create text
    | Quoted text -> JsonValue.Create text
    | Sequence items -> JsonArray(items |> List.map ofNode |> List.toArray)
    | Mapping entries ->
        let result = JsonObject()

        for entry in entries do
            result[entry.Name] <- ofNode entry.Value

        result

/// None: the file is not YAML.
let ofText (text: string) : string option =
    match Yaml.parse (Source("file", text)) with
    | Ok root -> Some((ofNode root).ToJsonString(JsonSerializerOptions()))
    | Error _ -> None
