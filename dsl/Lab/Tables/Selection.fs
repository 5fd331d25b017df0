/// Warns about model selection on the official validation set.
module ChannelDistillation.Lab.Tables.Selection

/// Axes of networks or datasets: their points are reported side by side, not selected.
let private isOfPair (path: string) = path = "teacher" || path.StartsWith "teacher.model" || path.StartsWith "student" || path.StartsWith "dataset"

/// A warning if rows of one variant differ in more than networks and dataset, and are evaluated on the official validation set.
/// <param name="heldOut">Shares of the training set that are held out. None: no hold-out split.</param>
/// <param name="rows">Variant and axes of each row.</param>
let warning (heldOut: float option list) (rows: (string * (string * string) list) list) : string option =
    let pairOf (variant: string, axes) = variant, List.filter (fst >> isOfPair) axes
    let hasChoice = rows |> List.countBy pairOf |> List.exists (fun (_, count) -> count > 1)

    if hasChoice && List.contains None heldOut then
        Some(
            "Selecting a point of the grid by its error is selection on the official validation set, and therefore optimistic; "
            + "`dataset.validation` holds out training images for selection."
        )
    else
        None
