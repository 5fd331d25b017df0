namespace ChannelDistillation.Lab.Tables

type Cell =
    {
        Text: string
        /// The best of its column, by more than chance.
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

    /// Marks the best of some rows: all its seeds are completed, at least two, and it is ahead of the next by more than the standard error of the
    /// difference. Otherwise none is marked.
    /// <param name="rows">None: not in the contest. Whether all seeds are completed, and the values.</param>
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
