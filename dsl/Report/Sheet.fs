namespace ChannelDistillation.Dsl.Report

type Cell =
    {
        Text: string
        /// The best of its column.
        Best: bool
    }

type SheetColumn =
    {
        Heading: string
        /// Words stand at the left, numbers at the right.
        IsText: bool
    }

/// A table as it is shown, in whatever form.
type Sheet =
    {
        /// Of which points of the grid; empty: of all.
        Title: string
        Columns: SheetColumn list
        Rows: Cell list list
    }

module Sheet =
    let cell text = { Text = text; Best = false }
    let text heading = { Heading = heading; IsText = true }
    let number heading = { Heading = heading; IsText = false }

    /// Marks the best of some values: those that look like it. A single value is not called the best.
    let bestOf (isHigherBetter: bool) (values: float option list) : bool list =
        let rounded =
            values |> List.map (Option.map (fun (value: float) -> System.Math.Round(value, 2, System.MidpointRounding.ToEven)))

        match List.choose id rounded with
        | []
        | [ _ ] -> values |> List.map (fun _ -> false)
        | some ->
            let best = if isHigherBetter then List.max some else List.min some
            rounded |> List.map ((=) (Some best))
