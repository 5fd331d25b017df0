namespace ChannelDistillation.Dsl.Report

/// The forms in which a table can be had.
type Format =
    | Md
    | Csv
    | Json

module Format =
    let render format results =
        match format with
        | Md -> Markdown.render results
        | Csv -> Csv.render results
        | Json -> Json.render results
