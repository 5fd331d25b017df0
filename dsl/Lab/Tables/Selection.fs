/// A choice among the points of a grid is a choice on the images that they are evaluated on.
module ChannelDistillation.Lab.Tables.Selection

/// Axes that choose networks or images: their points are compared, and none of them is chosen.
let private isOfPair (path: string) = path = "teacher" || path.StartsWith "teacher.model" || path.StartsWith "student" || path.StartsWith "dataset"

/// Where rows of one variant differ in more than networks and dataset, and the official validation set evaluates them.
/// <param name="heldOut">Shares of the training set that are held out; None: no images are.</param>
/// <param name="rows">Variant and axes of each row.</param>
let warning (heldOut: float option list) (rows: (string * (string * string) list) list) : string option =
    let pairOf (variant: string, axes) = variant, List.filter (fst >> isOfPair) axes
    let hasChoice = rows |> List.countBy pairOf |> List.exists (fun (_, count) -> count > 1)

    if hasChoice && List.contains None heldOut then
        Some(
            "Choosing among the points of the grid by their errors selects on the official validation set, which flatters the choice; "
            + "`dataset.validation` holds out images for it."
        )
    else
        None
