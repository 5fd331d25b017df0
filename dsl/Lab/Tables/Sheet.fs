namespace ChannelDistillation.Lab.Tables

type Cell =
    {
        Text: string
        /// Whether it is clearly the best of its column.
        Best: bool
    }

type SheetColumn =
    {
        Heading: string
        /// Text is left-aligned, numbers are right-aligned.
        IsText: bool
    }

/// A table as shown, independent of the format.
type Sheet =
    {
        /// The point of the grid. Empty: all points.
        Title: string
        Columns: SheetColumn list
        Rows: Cell list list
    }

module Sheet =
    let cell text = { Text = text; Best = false }
    let text heading = { Heading = heading; IsText = true }
    let number heading = { Heading = heading; IsText = false }

    /// Marks the best row, if all its seeds (at least two) are complete and its lead over the next row exceeds the standard error of the difference.
    /// Otherwise marks none.
    /// <param name="rows">Whether all seeds are complete, and the values. None: not compared.</param>
    let bestOf (isHigherBetter: bool) (rows: (bool * Statistic) option list) : bool list =
        let contenders =
            [ for index, row in List.indexed rows do
                  match row with
                  | Some(isComplete, statistic) when statistic.Mean.IsSome -> index, isComplete, statistic
                  | _ -> () ]
            |> List.sortBy (fun (_, _, statistic) -> if isHigherBetter then -statistic.Mean.Value else statistic.Mean.Value)

        let best =
            match contenders with
            | (index, true, best) :: (_, _, next) :: _ when Difference.isClear best next -> Some index
            | _ -> None

        rows |> List.mapi (fun index _ -> Some index = best)
